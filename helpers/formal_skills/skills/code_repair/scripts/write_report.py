from helpers.formal_skills.actions import write_report as execute

__all__ = ["execute"]
