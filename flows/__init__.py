"""The imaging order audit: the only Python of the project. Clinical rules live in sql/ and rules/."""

from pathlib import Path

# Siblings stay siblings in a checkout, an editable install and a wheel, so this one line is right in all three.
ROOT = Path(__file__).resolve().parent.parent
