"""Jobs in a database of which some wait for others: those that wait for nothing are done side by side."""

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

ROOM = 1 << 30  # bytes; with less, two jobs at a time would take from each other what each needs
SHORTLY = 0.05  # seconds


def side_by_side(con, waits_for, work, at_once=None):
    """Yields (name, work(cursor, name)) as each job ends; of those that may begin, the one named first begins first.

    waits_for: {name: names of the jobs that it waits for}. at_once: how many at a time, as many as there is room for if not
    told. What a job raises is raised here, once the job beside it has been interrupted and has ended.
    """
    order, at_once = list(waits_for), at_once or _at_once(con)
    sorter, ready, running = TopologicalSorter(waits_for), [], {}
    sorter.prepare()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            while sorter.is_active():
                ready = sorted([*ready, *sorter.get_ready()], key=order.index)
                while ready and len(running) < at_once:
                    name, cursor = ready.pop(0), con.cursor()
                    running[pool.submit(work, cursor, name)] = name, cursor
                for job in wait(running, return_when=FIRST_COMPLETED).done:
                    name, cursor = running.pop(job)
                    cursor.close()
                    yield name, job.result()
                    sorter.done(name)
        finally:  # nothing runs any more, unless somebody or something stopped us
            while wait(running, timeout=SHORTLY).not_done:
                for _, cursor in running.values():
                    cursor.interrupt()  # again and again: a statement that has not begun yet hears nothing
            for _, cursor in running.values():
                cursor.close()


def _at_once(con):
    """Most models keep no second core busy, so two at a time; a third would ask for memory and gain little."""
    limits = "select parse_formatted_bytes(current_setting('memory_limit')), current_setting('threads')"
    memory, threads = con.execute(limits).fetchall()[0]
    return 2 if memory >= ROOM and threads > 1 else 1
