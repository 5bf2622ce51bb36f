"""Scorers of the family video."""

_PIXEL = "prefgauge.plugins.scorers.video.pixel"

SCORERS: dict[str, str] = {
    "flicker": f"{_PIXEL}:Flicker",
    "chscore": "prefgauge.plugins.scorers.video.chscore:ChScore",
    "consistency": "prefgauge.plugins.scorers.video.consistency:ConsistencyScorer",
    "frames": "prefgauge.plugins.scorers.video.frames:FramesScorer",
    "videotext": "prefgauge.plugins.scorers.video.video_text:VideoTextScorer",
    "pixel-motion-smoothness": f"{_PIXEL}:PixelMotionSmoothness",
}
PARTS: dict[str, str] = {}
