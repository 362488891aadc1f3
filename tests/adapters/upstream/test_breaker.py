from adapters.upstream.breaker import CircuitBreaker


def opened(at: float) -> CircuitBreaker:
    breaker = CircuitBreaker()
    for number in range(5):
        assert breaker.wait(at) == 0.0
        assert breaker.failed(at) == (number == 4)
    return breaker


def test_it_opens_after_five_failures_and_says_how_long() -> None:
    breaker = opened(100.0)
    assert breaker.wait(100.0) == 10.0
    assert breaker.wait(107.5) == 2.5


def test_a_success_resets_the_count() -> None:
    breaker = CircuitBreaker()
    for _ in range(3):
        for _ in range(4):
            breaker.failed(1.0)
        breaker.succeeded()
    assert breaker.wait(1.0) == 0.0


def test_half_open_lets_one_request_through() -> None:
    breaker = opened(100.0)
    assert breaker.wait(110.0) == 0.0
    assert breaker.wait(110.0) == 10.0


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = opened(100.0)
    assert breaker.wait(110.0) == 0.0
    breaker.succeeded()
    assert [breaker.wait(111.0), breaker.wait(111.0)] == [0.0, 0.0]


def test_a_probe_that_fails_late_keeps_it_open_from_then() -> None:
    breaker = opened(100.0)
    assert breaker.wait(110.0) == 0.0
    breaker.failed(130.0)
    assert breaker.wait(130.0) == 10.0


def test_a_probe_without_a_result_does_not_block_it_for_ever() -> None:
    breaker = opened(100.0)
    assert breaker.wait(110.0) == 0.0  # and its reader leaves
    assert breaker.wait(120.0) == 0.0


def test_failures_of_earlier_requests_do_not_keep_it_open() -> None:
    breaker = opened(100.0)
    breaker.failed(109.0)
    assert breaker.wait(110.0) == 0.0
