"""Announces attachments, sends all but the last, and waits."""

from benchmarks.load.frames import BINARY, client_frame
from tests.attack.attackers.crowd import attack, parser
from tests.attack.attackers.streams import Stream

ANNOUNCED = 10
ATTACHMENT_BYTES = 15_000


class Attachments(Stream):
    def more(self) -> bytes:
        self.waits = True
        places = ",".join(f'{{"_placeholder":true,"num":{n}}}' for n in range(ANNOUNCED))
        packet = f'45{ANNOUNCED}-["subscribe",{places}]'.encode()
        attachment = client_frame(bytes(ATTACHMENT_BYTES), BINARY)
        return client_frame(packet) + attachment * (ANNOUNCED - 1)


if __name__ == "__main__":
    attack(Attachments, parser(__doc__))
