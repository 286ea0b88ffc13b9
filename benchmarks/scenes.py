"""What is dragged: cells of a notebook, each with a widget. Nothing else knows what they look like."""

OURS = """
import jax.numpy as jnp, numpy as np
from nlsq_widget import FitWidget
x = np.linspace(0, 4, {points})
y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.05 * np.random.default_rng(0).normal(size=x.size)
def decay(x, a, b, c):
    return a * jnp.exp(-b * x) + c
FitWidget(decay, x, y, p0={{"a": 2, "b": 1, "c": 1}})
"""

# One number there, one number back: what no widget can be faster than. Its messages are our widget's own.
BARE = """
import anywidget
class Bare(anywidget.AnyWidget):
    _esm = '''
    function render({ model, el }) {
      const box = document.createElement("div"), canvas = document.createElement("canvas");
      const pen = canvas.getContext("2d");
      box.className = "bare";
      box.append(canvas);
      el.append(box);
      let seq = 0, answered = 0, waits = null;
      const pump = () => {
        if (waits === null || answered < seq) return;
        model.send({ type: "bare", seq: ++seq, value: waits });
        waits = null;
      };
      box.addEventListener("pointermove", (event) => { waits = event.clientX; pump(); });
      model.on("msg:custom", (content) => {
        answered = content.seq;
        pump();
        pen.clearRect(0, 0, 300, 150);
        pen.fillText(String(content.value), 10, 20);
        box.dataset.answers = String(content.seq);
      });
    }
    export default { render };
    '''
    def __init__(self):
        super().__init__()
        self.on_msg(self.answer)
    def answer(self, _, content, buffers):
        self.send({"seq": content["seq"], "value": content["value"]}, [bytes(66_000)])
Bare()
"""

IMINUIT = """
import matplotlib
matplotlib.use("module://matplotlib_inline.backend_inline")  # by the name that ipywidgets looks for
import numpy as np
from iminuit import Minuit
from iminuit.cost import LeastSquares
x = np.linspace(0, 4, {points})
y = 2.5 * np.exp(-1.3 * x) + 0.5 + 0.05 * np.random.default_rng(0).normal(size=x.size)
m = Minuit(LeastSquares(x, y, 0.05, lambda x, a, b, c: a * np.exp(-b * x) + c), a=2, b=1, c=1)
m.limits = [(0, 5), (0, 5), (0, 5)]
m.interactive()
"""
