"""Scorers of the family video."""

_FRAGMENT = "prefgauge.plugins.scorers.video.fragment_vqa"
_PIXEL = "prefgauge.plugins.scorers.video.pixel"

SCORERS: dict[str, str] = {
    "flicker": f"{_PIXEL}:Flicker",
    "chscore": "prefgauge.plugins.scorers.video.chscore:ChScore",
    "consistency": "prefgauge.plugins.scorers.video.consistency:ConsistencyScorer",
    "dover": f"{_FRAGMENT}:FragmentVqa",
    "fast-vqa": f"{_FRAGMENT}:FragmentVqa",
    "faster-vqa": f"{_FRAGMENT}:FragmentVqa",
    "frames": "prefgauge.plugins.scorers.video.frames:FramesScorer",
    "videotext": "prefgauge.plugins.scorers.video.video_text:VideoTextScorer",
    "pixel-motion-smoothness": f"{_PIXEL}:PixelMotionSmoothness",
}
PARTS: dict[str, str] = {}
