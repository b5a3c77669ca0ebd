"""The README's block for each library runs, and prints graded steps."""

import re
from pathlib import Path

import pytest
import torch

README = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
STEP = re.compile(r"^step +\d+  .*grad norm ", re.MULTILINE)


def run_block(module: str, names: dict[str, object]) -> None:
    """Run the one Python block that imports the integration."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (block,) = [block for block in blocks if f"integrations.{module} " in block]
    exec(compile(block, "README.md", "exec"), names)


@pytest.mark.filterwarnings("ignore")
def test_the_block_for_lightning(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lightning = pytest.importorskip("lightning.pytorch", reason='pip install "telewire[lightning]"')
    monkeypatch.chdir(tmp_path)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
            return self.layer(batch).square().mean()

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    run_block(
        "lightning",
        {"module": Module(), "batches": torch.utils.data.DataLoader(torch.rand(6, 3), batch_size=2)},
    )

    assert len(STEP.findall(capsys.readouterr().out)) == 3


def test_the_block_for_transformers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason='pip install "telewire[transformers]"')
    pytest.importorskip("accelerate", reason='pip install "telewire[transformers]"')

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def forward(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": self.layer(inputs).square().mean()}

    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=3,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    data = [{"inputs": torch.rand(3)} for _ in range(24)]
    trainer = transformers.Trainer(model=Model(), args=arguments, train_dataset=data)

    run_block("transformers", {"trainer": trainer})

    assert len(STEP.findall(capsys.readouterr().out)) == 3


def test_the_block_for_stable_baselines3(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("stable_baselines3", reason='pip install "telewire[stable-baselines3]"')

    run_block("stable_baselines3", {})

    # Two updates of ten passes over 32 minibatches.
    assert len(STEP.findall(capsys.readouterr().out)) == 640 // 32
