"""A plan's text, which names what is on disk: it is the same for ever, and another for every other plan."""

from dataclasses import replace

from support.handmade import edge, firing, node, plan

from spikewright.ann.ops.pools import MaxPool
from spikewright.ann.ops.products import Linear
from spikewright.snn.code import Code
from spikewright.snn.encoders.direct import Direct
from spikewright.snn.formats.binary import Binary
from spikewright.snn.neurons.leaky import Leaky
from spikewright.snn.nodes import Firing, Node
from spikewright.snn.schedules.clocked import Clocked
from spikewright.snn.signature import signature


def test_it_is_the_text_that_was_always_written() -> None:
    made = plan(node("a", "input", fires=firing(Code.rate(1))), node("out", "a"))
    assert signature(made) == (
        "Plan(encoder=Graded(kind='graded'), input_shape=(2,), nodes=("
        "Node(name='a', op=Identity(kind='identity'), edges=(Edge(source='input', alignment=None),), shape=(2,), "
        "firing=Firing(law=IntegrateFire(kind='integrate_fire'), schedule=Lockstep(kind='lockstep'), "
        "code=Code(step_weights=(1,), warmup=0), carries='act', before_firing=(), channels=None), weights=None), "
        "Node(name='out', op=Identity(kind='identity'), edges=(Edge(source='a', alignment=None),), shape=(2,), "
        "firing=None, weights=None)))"
    )


def test_what_a_stage_fires_beyond_shows_where_there_is_something() -> None:
    pooled = replace(
        firing(Code.rate(1)), before_firing=(MaxPool(kernel=(1,), stride=(1,), padding=(0,), dilation=(1,)),)
    )
    ends = [
        signature(plan(node("a", "input", fires=one), node("out", "a"))) for one in (pooled, replace(pooled, beyond=1))
    ]
    assert ["beyond" in text for text in ends] == [False, True]
    assert ends[1].replace(", beyond=1)", ")") == ends[0]


def test_one_node_is_written_as_a_tuple_of_one() -> None:
    assert signature(plan(node("out", "input"))).endswith("firing=None, weights=None),))")


def test_any_difference_shows() -> None:
    def clocked(**more: object) -> Firing:
        law = Leaky(**more)  # pyright: ignore[reportArgumentType]
        return firing(Code.rate(4), schedule=Clocked(), law=law)

    one, out = node("a", "input", fires=clocked(leak=0.5)), node("out", "a")
    product = Node(name="a", op=Linear(), edges=(edge("input"),), shape=(2,))
    others = [
        node("a", "input"),
        node("a", "input", fires=clocked(leak=0.25)),
        replace(one, shape=(3,)),
        product.as_stage(clocked(leak=0.5)),
        replace(product, weights=Binary()).as_stage(clocked(leak=0.5)),
    ]
    texts = {signature(plan(each, out, encoder=Direct(4))) for each in (one, *others)}
    texts |= {signature(plan(one, node("end", "a"), encoder=Direct(4)))}
    assert len(texts) == len(others) + 2
    assert signature(plan(one, out, encoder=Direct(4))) in texts
