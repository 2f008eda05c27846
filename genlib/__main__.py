"""`python -m genlib`."""

import sys

from genlib.command_line import main

sys.exit(main())
