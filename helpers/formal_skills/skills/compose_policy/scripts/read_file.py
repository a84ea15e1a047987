from helpers.formal_skills.actions import read_file as execute

__all__ = ["execute"]
