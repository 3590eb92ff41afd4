"""The bundled example: invented persons, calibrated to the figures in rules/demo.csv."""

from flows.demo.delivery import write_demo

__all__ = ["write_demo"]
