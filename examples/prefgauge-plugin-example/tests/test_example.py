"""Conformance of the example's bench and scorer."""

from prefgauge_plugin_example import ArithmeticBench

from prefgauge.testing import BenchConformance, ScorerConformance


class TestArithmeticBench(BenchConformance):
    """Card, protocol, ids, labels, determinism."""

    bench = ArithmeticBench


class TestCalculator(ScorerConformance):
    """Determinism, batch invariance, proper outcomes; on its own bench."""

    address = "example-calculator"
    bench = "example-arithmetic"
