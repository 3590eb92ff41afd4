"""What a run imports until it knows that nothing changed; what such a run takes beyond this is its own work.

python -m tests.bench.imports
"""

import polars  # noqa: F401

from flows import attempt, cli, health, publish, stages, telling_services  # noqa: F401
from flows.answers import runs  # noqa: F401
