"""What lists of occurrences say of rows is found by their tasks, however many attempts there are of others."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, event, text

from stockjobs.store.database import Database
from stockjobs.store.ledger import tallies

# A hundred occurrences whose ids are counted, of 200 tasks each. Each tenth attempt of odd ones had two rows set aside.
_FILL = """
INSERT INTO jobs (id, name, version, enabled, paused, created_at, updated_at)
    VALUES (gen_random_uuid(), 'A', 1, true, false, now(), now());
INSERT INTO job_versions (job_id, version, spec, labels, digest, created_at, created_by)
    SELECT id, 1, '{}', '{}', 'd', now(), 'test' FROM jobs;
INSERT INTO occurrences (id, job_id, version, key, scheduled_for, state, submitter, created_at)
    SELECT lpad(n::text, 32, '0')::uuid, id, 1, n::text, now(), 'completed', 'test', now()
    FROM jobs, generate_series(1, 100) AS n;
INSERT INTO tasks (id, occurrence_id, job_id, provider, key, symbols, about, priority, state, number, failures, deferrals,
        crashes, run_at, created_at)
    SELECT gen_random_uuid(), occurrences.id, job_id, 'yahoo', n::text, '["AAPL"]', now(), 5, 'completed', 1, 0, 0, 0, now(),
        now()
    FROM occurrences, generate_series(1, 200) AS n;
INSERT INTO attempts (id, task_id, number, state, lane, worker, started_at, rows_rejected)
    SELECT gen_random_uuid(), tasks.id, 1, 'completed', 'realtime', 'w', now(),
        CASE WHEN tasks.key LIKE '%0' AND right(occurrence_id::text, 1)::int % 2 = 1 THEN 2 ELSE 0 END
    FROM tasks;
ANALYZE"""


def test_rows_that_were_set_aside_are_found_by_the_tasks_of_the_occurrences(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    one, two, three, unknown = (UUID(int=number) for number in (1, 2, 3, 1_000))
    with database.begin() as connection:
        for statement in _FILL.split(";\n"):
            connection.execute(text(statement))
        said: list[tuple[str, object]] = []
        event.listen(connection, "before_cursor_execute", lambda *given: said.append((given[2], given[3])))
        assert tallies.rows_aside(connection, [one, two, three, unknown]) == {one: 40, three: 40}
        plan = _plan(connection, *said[0])
    assert "Seq Scan on attempts" not in plan, plan
    assert "Seq Scan on tasks" not in plan, plan
    database.dispose()


def _plan(connection: Connection, statement: str, parameters: object) -> str:
    rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
    return "\n".join(str(row[0]) for row in rows)
