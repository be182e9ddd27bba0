# SPDX-License-Identifier: Apache-2.0
"""What only PHP handlers can do wrong."""


def test_exit_and_out_of_memory_give_one_well_formed_answer(start):
    server = start(workers=2)
    with server.connect() as connection:
        for path in ("/exit", "/memory"):
            answer = connection.get(path)
            assert answer.status in (200, 500), answer
            assert b"Allowed memory" not in answer.body
            assert connection.get("/pid").status == 200
