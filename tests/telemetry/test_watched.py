"""Which parameters are watched under which names, while the model and its optimisers change."""

import gc
import weakref

import pytest
import torch
from torch import nn

from telewire.telemetry.watched import WatchedParameters


class Says(nn.Module):
    """A module that says itself what its parameters are, as wrappers do."""

    def __init__(self):
        super().__init__()
        self.said = [("first", nn.Parameter(torch.ones(2)))]

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        yield from self.said


@pytest.fixture
def model():
    return nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 3), nn.ReLU()))


def pairs(watched):
    return [(name, id(parameter)) for name, parameter in watched]


def expected(model):
    return [(name, id(parameter)) for name, parameter in model.named_parameters()]


def replace_parameter(model):
    model[0].weight = nn.Parameter(torch.ones(3, 2))


def replace_by_an_equal_parameter(model):
    model[0].bias = nn.Parameter(model[0].bias.detach().clone())


def replace_layer(model):
    model[1][0] = nn.Linear(3, 3)


def add_layer(model):
    model[1].append(nn.Linear(3, 1))


def remove_layer(model):
    del model[1]


def remove_parameter(model):
    model[0].bias = None


def rename_layer(model):
    held = model._modules
    held["last"] = held.pop("1")


def rename_parameter(model):
    held = model[0]._parameters
    held["offset"] = held.pop("bias")


def put_into_another(model):
    model[0] = nn.Sequential(model[0])


def give_the_first_parameter(model):
    model[1][1].scale = nn.Parameter(torch.ones(1))


def give_the_first_module(model):
    model[1][1].inner = nn.Linear(1, 1)


CHANGES = [
    give_the_first_parameter,
    give_the_first_module,
    replace_parameter,
    replace_by_an_equal_parameter,
    replace_layer,
    add_layer,
    remove_layer,
    remove_parameter,
    rename_layer,
    rename_parameter,
    put_into_another,
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_model_that_changes_is_watched_as_it_is(model, change):
    watched = WatchedParameters(model, ())
    before = pairs(watched.all())
    change(model)
    assert pairs(watched.all()) == expected(model) != before


@pytest.mark.parametrize("change", CHANGES)
def test_an_optimiser_has_the_names_of_the_model_as_it_is(model, change):
    optimizer = torch.optim.SGD(model.parameters())
    watched = WatchedParameters(model, [optimizer])
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    change(model)
    names = dict(watched.of(optimizer))
    known = {name: one for name, one in model.named_parameters() if id(one) in held}
    assert {name: id(one) for name, one in names.items() if name in known} == {
        name: id(one) for name, one in known.items()
    }
    assert {id(one) for one in names.values()} == held


@pytest.mark.parametrize("holder", [nn.ParameterDict, nn.Module])
def test_a_parameter_that_moves_to_the_next_module_has_its_name_there(holder):
    model = nn.ModuleDict({"first": holder(), "second": holder()})
    model["first"].shift = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD(model.parameters())
    watched = WatchedParameters(model, [optimizer])
    assert [name for name, _ in watched.all()] == ["first.shift"]
    shift = model["first"].shift
    del model["first"].shift
    model["second"].shift = shift
    assert [name for name, _ in watched.of(optimizer)] == ["second.shift"]
    assert [name for name, _ in watched.all()] == ["second.shift"]


def test_what_is_watched_no_more_is_not_kept(model):
    optimizer = torch.optim.SGD(model.parameters())
    watched = WatchedParameters(model, [optimizer])
    watched.of(torch.optim.SGD(model[1].parameters()))
    gone = [weakref.ref(one) for one in (model[1][0], model[1][0].weight)]
    del model[1]
    optimizer.param_groups[0]["params"] = list(model.parameters())
    watched.of(optimizer)
    gc.collect()
    assert [one() for one in gone] == [None, None]


def test_names_are_not_asked_for_again_while_nothing_changes(model, monkeypatch):
    optimizer = torch.optim.SGD(model.parameters())
    watched = WatchedParameters(model, [optimizer])
    watched.all()
    asked = []
    monkeypatch.setattr(nn.Module, "named_modules", lambda *args, **kwargs: asked.append(args) or iter(()))
    model[0].weight.data = torch.ones(3, 2)
    assert len(watched.all()) == len(watched.of(optimizer)) == 4
    assert asked == []


def test_a_module_that_says_itself_what_it_holds_is_asked_each_time():
    model = Says()
    watched = WatchedParameters(nn.ModuleDict({"inner": model}), ())
    assert [name for name, _ in watched.all()] == []
    watched = WatchedParameters(model, ())
    model.said.append(("second", nn.Parameter(torch.ones(2))))
    assert [name for name, _ in watched.all()] == ["first", "second"]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_the_modules_of_torchscript_are_watched(model):
    scripted = torch.jit.script(model)
    watched = WatchedParameters(scripted, [torch.optim.SGD(scripted.parameters())])
    assert [name for name, _ in watched.all()] == [name for name, _ in model.named_parameters()]
    assert len(watched.all()) == 4


def test_an_optimiser_that_is_given_more_parameters_is_asked_again(model):
    optimizer = torch.optim.SGD(model[0].parameters())
    watched = WatchedParameters(model, [optimizer])
    assert [name for name, _ in watched.of(optimizer)] == ["0.weight", "0.bias"]
    optimizer.add_param_group({"params": list(model[1].parameters())})
    assert pairs(watched.of(optimizer)) == expected(model)
    extra = nn.Parameter(torch.ones(1))
    optimizer.add_param_group({"params": [extra]})
    assert [name for name, _ in watched.of(optimizer)][-1] == "optimizers[0].param_groups[2][0]"
    assert [name for name, _ in watched.all()][-1] == "optimizers[0].param_groups[2][0]"


def test_a_parameter_beside_the_model_that_is_put_into_it_has_the_models_name(model):
    extra = nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([*model.parameters(), extra])
    watched = WatchedParameters(model, [optimizer])
    assert [name for name, _ in watched.all()][-1] == "optimizers[0].param_groups[0][4]"
    model.temperature = extra
    assert pairs(watched.all()) == expected(model)
    assert pairs(watched.of(optimizer)) == expected(model)


def test_tied_parameters_are_watched_once(model):
    model[1][0].weight = model[1][0].weight
    model.tied = model[1][0].weight
    watched = WatchedParameters(model, ())
    assert pairs(watched.all()) == expected(model)
    assert len(watched.all()) == 4
