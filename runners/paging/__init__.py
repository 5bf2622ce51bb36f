"""Arrays that live in files, so that tables and statistics of any size need little memory.

A table of ten million rows, and every array that a metric derives from it, would take gigabytes.
:class:`~prefgauge.runners.paging.array.Paged` is a numpy array whose data lies in an unlinked
temporary file that is mapped into memory, and whose arithmetic, indexing and sorting put their
results into such files as well. The operating system keeps in memory what fits, and a metric
needs to know nothing of it.
"""
