"""What a run was like, told from its logs alone: ``analyse`` is pure, so a run of today and one of last year are judged alike."""

from murmur.analysis.measure import Logs, analyse
from murmur.analysis.report import AgentWork, Analysis, DuplicateFile, Influence, Repeated, Step

__all__ = ["AgentWork", "Analysis", "DuplicateFile", "Influence", "Logs", "Repeated", "Step", "analyse"]
