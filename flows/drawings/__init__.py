"""The charts of the page as SVG strings. From released tables alone; geometry and words beside it.

Each takes `key` (makes its ids unique on a page) and `width`: 720 by default, 360 for a phone, drawn for that width.
"""

from flows.drawings.beside_each_other import funnel, strip
from flows.drawings.between_events import gaps
from flows.drawings.multiverse import specification_curve
from flows.drawings.over_time import trend

__all__ = ["funnel", "gaps", "specification_curve", "strip", "trend"]
