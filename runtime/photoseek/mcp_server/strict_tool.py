"""A tool whose arguments are checked, with messages for an assistant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import ValidationError, create_model


class StrictTool(Tool):
    """A tool that refuses arguments that it does not have, which the SDK would ignore."""

    @classmethod
    def of(cls, function: Callable[..., Any], annotations: ToolAnnotations, name: str | None = None) -> StrictTool:
        """Return the tool of a function, whose annotations describe its arguments."""
        tool = cls.from_function(function, name=name, annotations=annotations)
        assert isinstance(tool, StrictTool)
        ours = tool.fn_metadata.arg_model
        tool.fn_metadata.arg_model = create_model(ours.__name__, __base__=ours, __cls_kwargs__={"extra": "forbid"})
        tool.parameters = tool.fn_metadata.arg_model.model_json_schema()
        return tool

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Any:
        """Run the tool; see ``Tool.run``.

        Raises:
            ToolError: As by ``Tool.run``. For invalid arguments, the message has a line for each of them.
        """
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise ToolError("\n".join(map(self._explain, error.__cause__.errors()))) from error.__cause__
            raise

    def _explain(self, error: Any) -> str:
        name, found = ".".join(map(str, error["loc"])), f"{error['input']!r:.80}"
        if error["type"] == "extra_forbidden":
            return (
                f"{self.name} has no argument {name!r}; expected {', '.join(self.parameters['properties']) or 'none'}"
            )
        if error["type"] == "missing":
            return f"{self.name} needs the argument {name!r}"
        return f"{name}: {error['msg']}, found {found}"
