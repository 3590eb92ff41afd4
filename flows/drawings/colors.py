"""Colours of the charts, those of reports/style.css. Whatever carries a figure stands out from white by 3 : 1 or more.

None of them says anything alone: shape, dash and words say it too.
"""

INK, SOFT = "#16212c", "#4b5a68"
BLUE, PALE = "#0b5394", "#5c83a8"  # what is shown; what surrounds it
RED, AMBER = "#9c2a10", "#8a4b00"  # a signal; a limit
LINE, WASH = "#d5dce3", "#dbe8f4"  # guides and fillings: nothing is lost without them
MARKS = (INK, SOFT, BLUE, PALE, RED, AMBER)
