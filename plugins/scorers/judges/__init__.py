"""Language and vision-language models as judges: ``judge:BACKEND#MODEL?protocol=...&strategy=...``.

A judge is a backend (where the model runs) x a protocol (what it is asked, and how its verdict
is read) x a strategy (how often, in which orders, with which preparation). Each is a part that
anyone may add by registering it in the hook ``prefgauge_parts``: ``judge-backend.NAME`` (a
subclass of ``backends.base.Backend``), ``judge-protocol.NAME`` (of
``protocols.base.JudgeProtocol``) or ``judge-strategy.NAME`` (of ``strategies.base.Strategy``).
"""

_HERE = "prefgauge.plugins.scorers.judges"

SCORERS: dict[str, str] = {"judge": f"{_HERE}.build:judge"}

_BACKENDS = {
    "http": "http:HttpBackend",
    "openai": "http:OpenAIBackend",
    "transformers": "local:TransformersBackend",
    "vllm": "vllm_offline:VllmBackend",
}
_PROTOCOLS = {
    "best-of-n": "listwise:BestOfN",
    "checklist": "steps:Checklist",
    "code": "pairwise:CodePairwise",
    "describe": "steps:DescribeThenRate",
    "dimensions": "pointwise:Dimensions",
    "geval": "steps:CriteriaThenScore",
    "image-pairwise": "media:ImagePairwise",
    "image-rating": "media:ImageRating",
    "music-pairwise": "media:MusicPairwise",
    "music-rating": "media:MusicRating",
    "pairwise": "pairwise:Pairwise",
    "pairwise-good-bad": "pairwise:GoodBad",
    "pairwise-reference": "pairwise:ReferencePairwise",
    "pairwise-strength": "pairwise:Strength",
    "pairwise-tie": "pairwise:PairwiseTie",
    "principles": "pairwise:Principles",
    "rag": "pairwise:RagPairwise",
    "rag-rating": "pointwise:RagRating",
    "ranking": "listwise:Ranking",
    "rating": "pointwise:Rating",
    "rating-reference": "pointwise:ReferenceRating",
    "rubric": "pointwise:Rubric",
    "speech-pairwise": "media:SpeechPairwise",
    "speech-rating": "media:SpeechRating",
    "threed-pairwise": "media:ThreeDPairwise",
    "threed-rating": "media:ThreeDRating",
    "unified-aspects": "unified:UnifiedAspects",
    "unified-pairwise": "unified:UnifiedPairwise",
    "unified-rating": "unified:UnifiedRating",
    "unified-shares": "unified:UnifiedShares",
    "verifier": "steps:Verifier",
    "video-pairwise": "media:VideoPairwise",
    "video-rating": "media:VideoRating",
    "viescore": "steps:SemanticPerceptual",
}
_STRATEGIES = {
    "consistency": "orders:Consistency",
    "criteria-selection": "examples:CriteriaSelection",
    "debate": "panels:Debate",
    "evidence": "orders:Evidence",
    "few-shot": "examples:FewShot",
    "jury": "panels:Jury",
    "listener": "panels:Listener",
    "personas": "panels:Personas",
    "plain": "orders:Plain",
    "rationale": "reasoning:Rationale",
    "roles": "panels:Roles",
    "self-reference": "reasoning:SelfReference",
    "swap": "orders:Swap",
    "tools": "reasoning:Tools",
    "tournament": "orders:Tournament",
}

PARTS: dict[str, str] = {
    **{f"judge-backend.{name}": f"{_HERE}.backends.{at}" for name, at in _BACKENDS.items()},
    **{f"judge-protocol.{name}": f"{_HERE}.protocols.{at}" for name, at in _PROTOCOLS.items()},
    **{f"judge-strategy.{name}": f"{_HERE}.strategies.{at}" for name, at in _STRATEGIES.items()},
}
