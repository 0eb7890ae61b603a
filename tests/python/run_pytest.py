#!/usr/bin/env python3
"""run_pytest.py FILE: runs pytest on one file; exits 77 (skipped) with a reason where pytest or numpy is missing."""

import sys

try:
    import numpy  # noqa: F401
    import pytest
except ImportError as error:
    print(f"skipped: {error}; `make peers` installs it")
    sys.exit(77)
code = pytest.main(["-q", "-p", "no:cacheprovider", "--strict-markers", sys.argv[1]])
# pytest says 5 when it found no test: that is a failure, not a pass.
sys.exit(int(code))
