"""What the gateway knows of the workers' model: its name, its size and its price, where the operator tells it."""

from dataclasses import dataclass

from gateway.parts.problems import PriceUnknownError
from gateway.settings import WorkersModelSettings
from shared.contracts.commands import JobOptions
from shared.contracts.prices import Price
from shared.settings import PriceSettings


@dataclass(frozen=True, slots=True)
class Room:
    """What the workers' model takes and gives at once, in tokens."""

    context: int
    answer: int


@dataclass(frozen=True, slots=True)
class Pricing:
    """Names and prices; the same settings as the workers'."""

    model: WorkersModelSettings
    prices: PriceSettings

    @property
    def room(self) -> Room:
        """What fits into one call."""
        return Room(self.model.model_context_tokens, self.model.answer_tokens)

    def name(self, asked: str | None) -> str | None:
        """The model of a request that names one or none; None where the gateway is told of none."""
        return asked or self.model.model or None

    def price(self, asked: str | None) -> Price | None:
        """Of that model; None where it is unknown, at least here."""
        name = self.name(asked)
        return None if name is None else self.prices.price(name, self.model.base_url)

    def check(self, command: JobOptions) -> None:
        """Refuse a limit of costs that nobody can count; raises ProblemError 422 ``price_unknown``.

        Not where the gateway is not told of the endpoint: the workers, who are, refuse it then.
        """
        if command.max_cost_usd is None or not self.model.model or self.price(command.model) is not None:
            return
        detail = (
            f"/max_cost_usd: the price of {self.name(command.model)} is unknown here, so its costs cannot be limited; "
            "use max_tokens_total, or let the operator set DRAFTLINE_MODEL_PRICES"
        )
        raise PriceUnknownError(detail)
