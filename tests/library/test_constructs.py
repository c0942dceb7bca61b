"""The page that says what a compiled step may hold."""

import pytest
from constructs import PAGE, page


@pytest.mark.filterwarnings("ignore")
def test_the_page_is_not_stale():
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tests/library/constructs.py"
