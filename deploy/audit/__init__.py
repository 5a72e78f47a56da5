"""The auditor: every raw record against what lies at rest, by code of its own."""

from deploy.audit.report import AuditReport, Problem, VendorAudit
from deploy.audit.run import run_audit

__all__ = ["AuditReport", "Problem", "VendorAudit", "run_audit"]
