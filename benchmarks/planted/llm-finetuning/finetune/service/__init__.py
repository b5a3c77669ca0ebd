from .http import StatusServer
from .jobs import JobQueue, JobService

__all__ = ["JobQueue", "JobService", "StatusServer"]
