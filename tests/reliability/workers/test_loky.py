import os
from pathlib import Path

import pytest

from spikewright.reliability.workers.loky import loky_crew


def test_the_job_lies_in_a_file_of_its_own_while_it_is_needed():
    with loky_crew(3, "key", b"job") as crew, loky_crew(3, "key", b"other") as other:
        assert crew.parcel.open() == b"job"
        assert other.parcel.open() == b"other"
        assert (crew.jobs, crew.ahead, crew.where) == (3, 6, "loky")
        path = Path(crew.parcel.path)
        assert path.parent.stat().st_mode & 0o077 == 0 or os.name == "nt"  # nobody else's to read
    assert not path.parent.exists()


def test_the_file_goes_when_a_campaign_fails():
    with pytest.raises(KeyError), loky_crew(2, "key", b"job") as crew:
        raise KeyError
    assert not Path(crew.parcel.path).exists()
