"""What a flock costs: the sums add up, the page says what the command says, and a price that is not known is not made up."""

import json
import re

import pytest

from murmur.cli import costing, exits
from murmur.cli.costing import EXTRAS, PACKINGS, Fabric, fabric_of, table_of
from murmur.cli.main import main
from murmur.config import FlockConfig
from murmur.errors import InvalidInput
from murmur.prices import known_dollars_per_hour
from tests.docs.costs_page import TARGET, page

FLAT = Fabric(0.04, 0.01)


def test_instances_extras_and_fabric_make_the_sum() -> None:
    (row,) = table_of([64], [("t4g.medium", 8)], fabric=lambda _: FLAT, spot=lambda _: 0.01)
    price = known_dollars_per_hour("t4g.medium")
    assert price is not None
    assert row.instances == 8
    assert row.memory_gib == 0.5
    assert row.working == pytest.approx(8 * (price + sum(EXTRAS.values())) + 0.04)
    assert row.resting == pytest.approx(row.working - 0.03)
    assert row.working_spot == pytest.approx(row.working - 8 * (price - 0.01))


def test_agents_that_do_not_fill_an_instance_have_it_to_themselves() -> None:
    (row,) = table_of([3], [("t4g.large", 8)], fabric=lambda _: FLAT)
    assert (row.instances, row.working_spot) == (1, None)
    assert row.memory_gib == pytest.approx(8 / 3)


def test_fabric_is_counted_and_grows_with_the_flock_and_shrinks_at_rest() -> None:
    small, large = fabric_of(4), fabric_of(16)
    assert 0 < small.resting < small.working < large.working


def test_a_type_without_a_price_is_an_error_and_not_a_guess() -> None:
    for kind in ("p5.48xlarge", "t4g.nano", "c6g.small", "t4g"):
        with pytest.raises(InvalidInput, match="not in the list"):
            table_of([8], [(kind, 8)], fabric=lambda _: FLAT)


def test_every_offered_way_is_a_configuration_that_the_flock_takes() -> None:
    for kind, packed in PACKINGS:
        assert FlockConfig.parse({"instanceType": kind, "agentsPerInstance": packed})


def test_the_command_prints_a_table_or_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        costing.table_of, "__kwdefaults__", {**(costing.table_of.__kwdefaults__ or {}), "fabric": lambda _: FLAT}
    )
    assert main(["cost", "--agents", "8", "--type", "t4g.large", "--per-instance", "4", "--json"]) == exits.OK
    said = json.loads(capsys.readouterr().out)
    assert [(row["agents"], row["type"], row["instances"]) for row in said["rows"]] == [(8, "t4g.large", 2)]
    assert said["rows"][0]["working"] == pytest.approx(
        said["rows"][0]["instance_dollars"] + said["rows"][0]["extra_dollars"] + 0.04, abs=1e-4
    )
    assert main(["cost", "--agents", "8"]) == exits.OK
    shown = capsys.readouterr().out
    assert "t4g.medium" in shown
    assert "Model calls are in none of this" in shown
    assert main(["cost", "--agents", "0"]) == exits.USAGE


def on_page() -> dict[int, Fabric]:
    """Fabric as the page has it."""
    found: dict[int, Fabric] = {}
    for line in TARGET.read_text("utf-8").splitlines():
        cells = [cell.strip(" *`") for cell in line.split("|")]
        if re.fullmatch(r"\d+", cells[1] if len(cells) > 1 else ""):
            rest = float(cells[10]) - float(cells[6]) - float(cells[7])
            found[int(cells[1])] = Fabric(float(cells[8]), round(rest, 3))
    return found


def test_the_page_is_made_of_the_present_prices() -> None:
    """All but the count of requests, which every change of the loop moves a little: that may be off by a quarter."""
    fabric = on_page()
    lines, wanted = TARGET.read_text("utf-8").splitlines(), page(lambda agents: fabric[agents]).splitlines()
    assert len(lines) == len(wanted), "run: ./dev docs"
    for line, right in zip(lines, wanted, strict=True):
        if not line.startswith("| 8") and not line.startswith("| 64"):
            assert line == right, "run: ./dev docs"
            continue
        assert line.split("|")[:9] == right.split("|")[:9], "run: ./dev docs"
    assert fabric_of(8).working == pytest.approx(fabric[8].working, rel=0.25), "run: ./dev docs"
