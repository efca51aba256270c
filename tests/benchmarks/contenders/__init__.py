"""The same networks, objectives and optimizer in several libraries.

Each module but the shared ones has a function per net, which prepares a contender and returns what
does its work. Every contender is a process of its own, and imports its library alone.
"""

from contenders.table import NETS
from contenders.work import Work

__all__ = ["NETS", "Work"]
