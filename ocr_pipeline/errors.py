"""The one error a user can mend: what went wrong, where, and what to do about it."""


class PipelineError(Exception):
    """An error whose message names the remedy; the command line prints it without a traceback.

    Args:
        what: what went wrong, in one clause.
        where: the file, folder, URL or setting concerned.
        remedy: what the user can do now.
    """

    def __init__(self, what: str, *, where: object, remedy: str) -> None:
        self.what, self.where, self.remedy = what, str(where), remedy
        super().__init__(f"{what}: {self.where}. {remedy}")

    def __reduce__(self):  # keyword-only arguments do not survive the default pickling
        return _rebuild, (type(self), self.what, self.where, self.remedy)


def _rebuild(cls: type[PipelineError], what: str, where: str, remedy: str) -> PipelineError:
    return cls(what, where=where, remedy=remedy)
