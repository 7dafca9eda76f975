import pytest


@pytest.fixture
def data(jsonl, words):
    return [jsonl("train_a", words[:9]), jsonl("train_b", words[9:19])], [jsonl("valid", words[19:])]
