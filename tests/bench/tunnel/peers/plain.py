"""The bare wire: what everything else is a part of."""

from .side import Side, Subject


class PlainSide(Side):
    name = "plain"

    def open(self):
        self.link.inner_on_loopback()

    def subjects(self):
        return [Subject(self, "plain", "none", None)]
