"""Scorers of the family threed."""

SCORERS: dict[str, str] = {
    "geometry": "prefgauge.plugins.scorers.threed.geometry:Geometry",
    "mvclip": "prefgauge.plugins.scorers.threed.mvclip:MvClipScorer",
    "points": "prefgauge.plugins.scorers.threed.points:PointsScorer",
    "views": "prefgauge.plugins.scorers.threed.views:ViewsScorer",
}
PARTS: dict[str, str] = {}
