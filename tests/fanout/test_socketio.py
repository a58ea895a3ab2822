"""The Socket.IO protocol, version 5, as its published description and test suite ask for it."""

import json

import pytest

from tests.fanout.conftest import Echo
from tests.fanout.raw_clients import Closed, WebSocket


@pytest.fixture
def socket(echo: Echo):
    with WebSocket(echo.url) as opened:
        opened.receive_until("0")
        yield opened


# --- connect --------------------------------------------------------------------------------------


def test_the_main_namespace_is_connected_to(socket: WebSocket) -> None:
    socket.send("40")
    answer = json.loads(socket.receive_until("40")[2:])
    assert set(answer) == {"sid"}
    assert socket.receive() == '42["auth",{}]'


def test_credentials_are_handed_on(socket: WebSocket) -> None:
    socket.send('40{"token":"123"}')
    socket.receive_until("40")
    assert socket.receive() == '42["auth",{"token":"123"}]'


def test_another_namespace_is_connected_to(socket: WebSocket) -> None:
    socket.send("40/custom,")
    assert set(json.loads(socket.receive_until("40/custom,")[10:])) == {"sid"}
    assert socket.receive() == '42/custom,["auth",{}]'
    socket.send('42/custom,["message",1]')
    assert socket.receive() == '42/custom,["message-back",1]'


def test_a_query_in_a_namespace_is_left_aside(socket: WebSocket) -> None:
    socket.send('40/custom?abc=,{"a":1}')
    assert socket.receive_until("40/custom,")
    assert socket.receive() == '42/custom,["auth",{"a":1}]'


@pytest.mark.usefixtures("departs")
def test_an_unknown_namespace_is_refused_in_the_words_of_node(socket: WebSocket) -> None:
    socket.send("40/random")
    answer = socket.receive_until("44/random,")
    assert json.loads(answer[len("44/random,") :]) == {"message": "Invalid namespace"}


def test_a_refused_namespace_leaves_the_connection_usable(socket: WebSocket) -> None:
    socket.send("40/random")
    socket.receive_until("44/random,")
    socket.send("40")
    assert socket.receive_until("40")


@pytest.mark.usefixtures("departs")
@pytest.mark.parametrize("packet", ["40abc", "40[]", '40"x"'])
def test_a_malformed_connect_closes(packet: str, socket: WebSocket) -> None:
    socket.send(packet)
    assert isinstance(socket.closed(), Closed)


@pytest.mark.usefixtures("departs")
def test_a_second_connect_closes(socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send("40")
    assert socket.closed().code == 1002


# --- disconnect -----------------------------------------------------------------------------------


def test_after_a_disconnect_nothing_is_handled_and_others_go_on(socket: WebSocket) -> None:
    socket.send("40/custom")
    socket.receive_until("42/custom")
    socket.send("40")
    socket.receive_until("42")
    socket.send("41/custom,")
    socket.send('42/custom,["message",1]')
    socket.send('42["message",2]')
    assert socket.receive() == '42["message-back",2]'
    socket.send("40/custom")
    assert socket.receive_until("40/custom,")


# --- events ---------------------------------------------------------------------------------------


def test_an_event_keeps_its_arguments(socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send('42["message",1,"2",{"3":[true]},null]')
    assert socket.receive() == '42["message-back",1,"2",{"3":[true]},null]'


def test_an_event_with_an_id_is_acknowledged(socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send('42456["message-with-ack",1,"2",{"3":[true]}]')
    assert socket.receive() == '43456[1,"2",{"3":[true]}]'


def test_the_server_can_ask_and_is_answered(socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send('42["ask","what"]')
    question = str(socket.receive())
    ident = question[2 : question.index("[")]
    assert question == f'42{ident}["question","what"]'
    socket.send(f'43{ident}["this",1]')
    assert socket.receive() == '42["answered",["this",1]]'
    # An answer that was given already, and one to nothing, are left aside.
    socket.send(f'43{ident}["again"]')
    socket.send('439999["nothing"]')
    socket.send('42["message",1]')
    assert socket.receive() == '42["message-back",1]'


@pytest.mark.usefixtures("departs")
@pytest.mark.parametrize(
    "packet",
    [
        "4abc",
        "47",
        "42{}",
        "42",
        "42[]",
        "42[1]",
        "42[null]",
        '42abc["message"]',
        '42["message"',
        "43{}",
        "44{}",
        '45["message"]',
        "451-",
        '4599-["message",{"_placeholder":true,"num":0}]',
        '4999999999999-["message"]',
        "41[]",
        '421-["message"]',
    ],
)
def test_a_malformed_packet_closes(packet: str, socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send(packet)
    assert socket.closed().code == 1002


# --- attachments ----------------------------------------------------------------------------------


def test_attachments_go_and_come(socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send('452-["message",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]')
    socket.send(b"\x01\x02\x03")
    socket.send(b"\x04\x05\x06")
    text = socket.receive()
    assert text == (
        '452-["message-back",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]'
    )
    assert socket.receive() == b"\x01\x02\x03"
    assert socket.receive() == b"\x04\x05\x06"


def test_an_acknowledgement_may_have_attachments(socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send('451-789["message-with-ack",{"_placeholder":true,"num":0}]')
    socket.send(b"\x01\x02\x03")
    assert socket.receive() == '461-789[{"_placeholder":true,"num":0}]'
    assert socket.receive() == b"\x01\x02\x03"


@pytest.mark.usefixtures("departs")
@pytest.mark.parametrize("number", ["5", '"x"', "-7", "null"])
def test_a_placeholder_of_nothing_closes(number: str, socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send('451-["message",{"_placeholder":true,"num":' + number + "}]")
    socket.send(b"\x01")
    assert socket.closed().code == 1002


@pytest.mark.usefixtures("departs")
def test_a_text_in_place_of_an_attachment_closes(socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send('451-["message",{"_placeholder":true,"num":0}]')
    socket.send('42["message",1]')
    assert socket.closed().code == 1002


@pytest.mark.usefixtures("departs")
def test_an_attachment_of_nothing_closes(socket: WebSocket) -> None:
    socket.send("40")
    socket.receive_until("42")
    socket.send(b"\x01\x02")
    assert socket.closed().code == 1002
