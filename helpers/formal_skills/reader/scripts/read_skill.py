"""Gives the text of a Markdown skill, or a file of its folder."""


async def execute(args, context):
    skill = context.group_runtime_config
    if args.get("file"):
        place = (skill.folder / args["file"]).resolve()
        if not place.is_relative_to(skill.folder):
            return f"Error: {args['file']} lies outside the skill's folder; files beside its text can be read"
        return place.read_text(encoding="utf-8")
    beside = [path.relative_to(skill.folder).as_posix() for path in sorted(skill.folder.rglob("*")) if path.is_file()]
    files = "".join(f"<file>{name}</file>" for name in beside if name != "SKILL.md")
    return f'<skill_content name="{skill.folder.name}">\n{skill.body}\n</skill_content>\n{files}'
