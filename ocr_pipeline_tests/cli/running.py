"""Running a command within this process."""

from click.testing import CliRunner

from ocr_pipeline.cli import cli


def invoke(*arguments: object) -> tuple[int, str]:
    """Its exit code and what it printed; an error that a user can mend is raised."""
    result = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output
