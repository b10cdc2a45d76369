"""python3 -m tunnel: what scripts/bench starts."""

import sys

from .command import main

sys.exit(main())
