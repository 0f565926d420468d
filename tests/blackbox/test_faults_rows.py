"""Every row of exporter faults is shown by a test that carries its number."""

import test_faults
import test_faults_life
import test_faults_local
import test_faults_network
import test_faults_tls
from fault_rows import ROWS, coverage


def test_every_row_is_shown():
    found = coverage([test_faults, test_faults_life, test_faults_local,
                      test_faults_network, test_faults_tls])
    assert sorted(ROWS) == list(range(1, 61))
    missing = {row: ROWS[row] for row in ROWS if not found[row]}
    assert not missing
