"""Image quality sets with a pristine reference for every picture (full-reference sets)."""

from __future__ import annotations

from prefgauge.benches.image.iqa import iqa_bench

__all__ = [
    "Cidiq50",
    "Cidiq100",
    "Csiq",
    "Kadid",
    "Live",
    "LiveMd",
    "Mdid2013",
    "Mdid2016",
    "Pipal",
    "Tid2008",
    "Tid2013",
    "Toyama",
    "VclFer",
]

Live = iqa_bench(
    "live-iqa",
    "LIVE Image Quality Assessment Database, release 2 (DMOS, realigned)",
    "LIVE",
    "54236e765401b4f82455f77b98ad56a3e04c128ef7d7bf5a587a08df12216e53",
    size=779,
    scale=None,
    dmos=True,
    citation="Sheikh, Sabir, Bovik, A Statistical Evaluation of Recent Full Reference Image "
    "Quality Assessment Algorithms, IEEE TIP 2006",
    homepage="https://live.ece.utexas.edu/research/quality/subjective.htm",
    warning="DMOS of this table go from -2.64 to 111.77; LIQE lists the same set turned "
    "round as 111.7747 - DMOS.",
)

LiveMd = iqa_bench(
    "live-md",
    "LIVE Multiply Distorted: blur then JPEG, or blur then noise (DMOS)",
    "LIVE_MD",
    "f0c9a853fa94929beb3125accdce020e33bc753d052d3faab17e9fa94b03b0ab",
    size=450,
    scale=(0.0, 100.0),
    dmos=True,
    citation="Jayaraman, Mittal, Moorthy, Bovik, Objective Quality Assessment of Multiply "
    "Distorted Images, Asilomar 2012",
    homepage="https://live.ece.utexas.edu/research/Quality/live_multidistortedimage.html",
    unverified=(
        "the direction is inferred: the score rises with the number of distortion steps from "
        "a mean of 20.5 (one step) to 69.9 (six), so lower is better",
    ),
)

Csiq = iqa_bench(
    "csiq",
    "CSIQ: six distortions of 30 photographs (DMOS)",
    "CSIQ",
    "15ade3db558e2a282e12657173f6cd25be8ec3e73eb68fce94cfaa4917317996",
    size=866,
    scale=(0.0, 1.0),
    dmos=True,
    citation="Larson, Chandler, Most Apparent Distortion: Full-Reference Image Quality "
    "Assessment and the Role of Strategy, J. Electronic Imaging 2010",
    homepage="https://s2.smu.edu/~eclarson/csiq.html",
    warning="LIQE lists the same set turned round as 1 - DMOS.",
)

Tid2008 = iqa_bench(
    "tid2008",
    "TID2008: 17 distortions of 25 pictures at four levels",
    "TID2008",
    "d017597c285b7911ba11706a4cdc24f33f6e7907860def56426f3d1fa8bc11e4",
    size=1700,
    scale=(0.0, 9.0),
    citation="Ponomarenko et al., TID2008: A Database for Evaluation of Full-Reference "
    "Visual Quality Assessment Metrics, Advances of Modern Radioelectronics 2009",
    homepage="https://www.ponomarenko.info/tid2008.htm",
)

Tid2013 = iqa_bench(
    "tid2013",
    "TID2013: 24 distortions of 25 pictures at five levels",
    "TID2013",
    "39a2e1caad3e47dadf049f9b0c2301cadbf5d54fcfbd867cc2e675185bbe4101",
    size=3000,
    scale=(0.0, 9.0),
    citation="Ponomarenko et al., Image Database TID2013: Peculiarities, Results and "
    "Perspectives, Signal Processing: Image Communication 2015",
    homepage="https://www.ponomarenko.info/tid2013.htm",
)

Kadid = iqa_bench(
    "kadid-10k",
    "KADID-10k: 25 distortions of 81 pictures at five levels, crowdsourced",
    "KADID-10k",
    "b5691f886089550cff1ae4b385398a7ad4cbaee62daf6ffee2090ff22108a030",
    size=10125,
    scale=(1.0, 5.0),
    citation="Lin, Hosu, Saupe, KADID-10k: A Large-scale Artificially Distorted IQA "
    "Database, QoMEX 2019",
    homepage="https://database.mmsp-kn.de/kadid-10k-database.html",
    warning="The official column is called dmos, yet higher is better.",
)

Pipal = iqa_bench(
    "pipal",
    "PIPAL: distortions and restoration outputs of 200 pictures, Elo-rated (training release)",
    "PIPAL",
    "2caebc5f3a7e02ce6744dbcd705ea96fc7b929d8c0d0db010c3c56c895c2b64c",
    size=23200,
    scale=None,
    citation="Gu et al., PIPAL: A Large-Scale Image Quality Assessment Dataset for "
    "Perceptual Image Restoration, ECCV 2020, arXiv:2007.12142",
    homepage="https://github.com/HaomingCai/PIPAL-dataset",
)

Mdid2013 = iqa_bench(
    "mdid2013",
    "MDID2013: pictures with blur, JPEG and noise at once (DMOS)",
    "MDID2013",
    "0951a74d978f79859a719913df8c9ad9df5646ab24b802cbc6953f23ec79a8b2",
    size=324,
    scale=(0.0, 1.0),
    dmos=True,
    citation="Gu, Zhai, Yang, Zhang, Hybrid No-Reference Quality Metric for Singly and "
    "Multiply Distorted Images, IEEE Trans. Broadcasting 2014",
    homepage="https://doi.org/10.1109/TBC.2014.2344471",
    unverified=(
        "the direction is inferred: within each run of three the score rises with the "
        "distortion level, so it is taken for a DMOS",
    ),
)

Mdid2016 = iqa_bench(
    "mdid2016",
    "MDID (2016): random mixtures of five distortions",
    "MDID2016",
    "e1ea3716f67217b7ae2f5d8edabb6e76d1fecef38c49d884c601ff92655af1e0",
    size=1600,
    scale=(0.0, 8.0),
    citation="Sun, Zhou, Liao, MDID: A Multiply Distorted Image Database for Image Quality "
    "Assessment, Pattern Recognition 2017",
    homepage="https://doi.org/10.1016/j.patcog.2016.07.033",
    unverified=("the direction (higher is better) is taken from the table's description",),
)

Cidiq50 = iqa_bench(
    "cidiq-50",
    "CID:IQ viewed from 50 cm",
    "CIDIQ_MOS50",
    "7c62db9ac06aa91e1eb7d057dfe83eb4062bda7edd8e3862d9bb6d7fa92d0c9a",
    size=690,
    scale=(1.0, 9.0),
    citation="Liu, Pedersen, Hardeberg, CID:IQ - A New Image Quality Database, ICISP 2014",
    homepage="https://www.ntnu.edu/web/colourlab/software",
    warning="The same pictures viewed from 100 cm have other MOS: see cidiq-100.",
)

Cidiq100 = iqa_bench(
    "cidiq-100",
    "CID:IQ viewed from 100 cm",
    "CIDIQ_MOS100",
    "93ccd27e04c0cab51f49815c95c67ec0899d46205e41485b4c3f001920262e0c",
    size=690,
    scale=(1.0, 9.0),
    citation="Liu, Pedersen, Hardeberg, CID:IQ - A New Image Quality Database, ICISP 2014",
    homepage="https://www.ntnu.edu/web/colourlab/software",
    warning="The same pictures viewed from 50 cm have other MOS: see cidiq-50.",
)

Toyama = iqa_bench(
    "toyama",
    "Toyama MICT: JPEG and JPEG 2000 compressed pictures",
    "Toyama",
    "c2e10192214e98732f0a42ce0ce4166475a4b9115d0e551dc4ece6e1bb1047d1",
    size=196,
    scale=(1.0, 5.0),
    citation="Horita, Shibata, Kawayoke, Sazzad, MICT Image Quality Evaluation Database, 2000",
    homepage="https://mict.eng.u-toyama.ac.jp/mictdb.html",
    warning="28 of the 196 rows are the undistorted pictures themselves (tag distortion = "
    "Reference).",
)

VclFer = iqa_bench(
    "vcl-fer",
    "VCL@FER: four distortions of 23 pictures at six levels",
    "VCLFER",
    "889a9b38ced44a33f2db98be8c751bcfbd220bd4eac817b97890fd900f32c839",
    size=552,
    scale=(0.0, 100.0),
    citation="Zaric et al., VCL@FER Image Quality Assessment Database, AUTOMATIKA 2012",
    homepage="https://www.vcl.fer.hr/quality/vclfer.html",
)
