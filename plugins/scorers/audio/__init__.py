"""Scorers of the family audio."""

_CLASSICAL = "prefgauge.plugins.scorers.audio.classical"
_REFERENCE = "prefgauge.plugins.scorers.audio.reference"

SCORERS: dict[str, str] = {
    "snr": f"{_CLASSICAL}:Snr",
    "loudness": f"{_CLASSICAL}:Loudness",
    "clipping": f"{_CLASSICAL}:Clipping",
    "bandwidth": f"{_CLASSICAL}:Bandwidth",
    "pesq": f"{_REFERENCE}:Pesq",
    "stoi": f"{_REFERENCE}:Stoi",
    "si-sdr": f"{_REFERENCE}:SiSdr",
    "clap": "prefgauge.plugins.scorers.audio.clap:ClapScorer",
    "squim": "prefgauge.plugins.scorers.audio.squim:Squim",
    "dnsmos": "prefgauge.plugins.scorers.audio.dnsmos:Dnsmos",
    "nisqa": "prefgauge.plugins.scorers.audio.nisqa:Nisqa",
    "muq-mulan": "prefgauge.plugins.scorers.audio.muq_mulan:MuQMuLan",
    "utmos": "prefgauge.plugins.scorers.audio.utmos:Utmos",
    "audiobox": "prefgauge.plugins.scorers.audio.audiobox:Audiobox",
}
PARTS: dict[str, str] = {}
