"""Names of nine published VLMs paired with their language models', at full size without memory, and tiny on disk."""

import functools

import pytest
import tiny_vlms
import torch
from safetensors import safe_open
from transformers.core_model_loading import revert_weight_conversion

from helpers.skill_injection.names import is_computed, language_name, pair_names, vision_part
from helpers.skill_injection.pairing import plan_pairs
from helpers.skill_injection.vocabulary import read_vocabulary

EVERY = pytest.mark.parametrize("name", tiny_vlms.NAMES)
# model type -> the module that has no part in a merge, as its class calls it
BESIDE = {"llava": ("vision_tower", "multi_modal_projector"), "paligemma": ("vision_tower", "multi_modal_projector"),
          "llava_next": ("vision_tower", "multi_modal_projector", "image_newline"), "qwen2_vl": ("visual",),
          "qwen2_5_vl": ("visual",), "qwen3_vl": ("visual",), "idefics3": ("vision_model", "connector"),
          "smolvlm": ("vision_model", "connector"), "internvl": ("vision_tower", "multi_modal_projector")}  # fmt: skip


@functools.cache
def full_size(name):
    """VLM and base of the real configuration, without memory."""
    about = tiny_vlms.read_config(name)
    with torch.device("meta"):
        return tiny_vlms.build(about["vlm"], about["base"])


def partners(vlm, base):
    """What pairs in memory, by the modules themselves: parameters of the decoder, and the head."""
    prefix = next(name for name, module in vlm.named_modules() if module is vlm.get_decoder())
    inside = [name for name, module in base.named_modules() if module is base.get_decoder()][0]
    pairs = {f"{prefix}.{name}": f"{inside}.{name}" for name, _ in vlm.get_decoder().named_parameters()}
    return pairs | {"lm_head.weight": "lm_head.weight"}


def file_names(model):
    """Name in memory -> name that `save_pretrained` writes; a tied head is not written."""
    state = {name: tensor for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del state["lm_head.weight"]
    written = {id(tensor): name for name, tensor in revert_weight_conversion(model, dict(state)).items()}
    return {name: written[id(tensor)] for name, tensor in state.items()}


def infos(model, names=None):
    """Name -> (shape, dtype), under the names in files if they are given."""
    state = model.state_dict()
    return {new: (tuple(state[old].shape), state[old].dtype) for old, new in (names or {n: n for n in state}).items()}


def numbered(rows):
    return {f"w{row}": row for row in range(rows)}


def test_all_kinds_of_the_issue_are_here():
    kinds = {tiny_vlms.read_config(name)["vlm"]["model_type"] for name in tiny_vlms.NAMES}
    assert kinds == BESIDE.keys()


@EVERY
def test_names_of_the_published_files(name):
    published = tiny_vlms.read_config(name)["published"]
    _, base = full_size(name)
    assert pair_names(published, file_names(base).values()) == published


@EVERY
def test_every_tensor_of_the_language_model_is_paired_in_memory(name):
    vlm, base = full_size(name)
    pairs = pair_names(vlm.state_dict(), base.state_dict())
    expected = partners(vlm, base)
    assert list(pairs) == list(vlm.state_dict())
    assert {name: partner for name, partner in pairs.items() if partner} == expected
    assert set(expected.values()) == set(base.state_dict())
    kept = {name.removeprefix("model.").split(".")[0] for name, partner in pairs.items() if partner is None}
    assert kept == set(BESIDE[vlm.config.model_type])


@EVERY
def test_every_tensor_of_the_language_model_is_paired_as_written_today(name):
    vlm, base = full_size(name)
    written, base_written = file_names(vlm), file_names(base)
    pairs = pair_names(written.values(), base_written.values())
    expected = {written[ours]: base_written.get(theirs, base_written["model.embed_tokens.weight"])
                for ours, theirs in partners(vlm, base).items() if ours in written}  # fmt: skip
    assert {name: partner for name, partner in pairs.items() if partner} == expected
    assert set(pairs.values()) - {None} == set(base_written.values())


@EVERY
def test_older_files_with_one_module_more_in_the_vision_encoder(name):
    vlm, base = full_size(name)
    names = file_names(vlm).values()
    older = [name.replace("vision_tower.", "vision_tower.vision_model.", 1) for name in names]
    today, then = (pair_names(each, base.state_dict()) for each in (names, older))
    assert list(today.values()) == list(then.values())


@EVERY
@pytest.mark.parametrize("in_files", [False, True])
def test_the_plan_at_full_size_merges_the_language_model_and_nothing_else(name, in_files):
    vlm, base = full_size(name)
    ours, theirs = (infos(model, file_names(model) if in_files else None) for model in (vlm, base))
    rows, base_rows = vlm.get_input_embeddings().num_embeddings, base.get_input_embeddings().num_embeddings
    pairs = plan_pairs(ours, theirs, theirs, vocabularies=[numbered(rows), numbered(base_rows), numbered(base_rows)])
    assert [pair.vlm for pair in pairs] == list(ours)
    merged = [pair for pair in pairs if pair.action == "merge"]
    assert len(merged) == len(partners(vlm, base)) - (in_files and vlm.config.tie_word_embeddings)
    for pair in merged:
        shape = theirs[pair.base][0]
        assert pair.base == pair.expert and pair.shape == ours[pair.vlm][0] and pair.shape[1:] == shape[1:]
        assert (pair.rows or pair.shape[0]) == min(pair.shape[0], shape[0])
    assert {pair.reason for pair in pairs if pair.action == "keep"} == {
        vision_part(name) for name in ours if vision_part(name)
    }


@EVERY
@pytest.mark.parametrize("layout", tiny_vlms.LAYOUTS)
def test_tiny_checkpoints_on_disk_pair_by_name_as_they_do_by_value(name, layout, tmp_path):
    folders = tiny_vlms.tiny_folders(name, tmp_path, layout)
    vlm, base, expert = (safe_open(folder / "model.safetensors", "pt") for folder in vars(folders).values())
    sizes = [{name: (tuple(each.get_slice(name).get_shape()), each.get_slice(name).get_dtype()) for name in each.keys()}
             for each in (vlm, base, expert)]  # fmt: skip
    words = [read_vocabulary(folder) for folder in vars(folders).values()]
    pairs = plan_pairs(*sizes, vocabularies=words)
    in_memory = partners(*tiny_vlms.tiny_models(name)[:2])
    assert sum(pair.action == "merge" for pair in pairs) == len(in_memory) - ("lm_head" not in str(vlm.keys()))
    for pair in (pair for pair in pairs if pair.action == "merge" and len(pair.shape) == 2):
        rows = pair.rows or pair.shape[0]
        ours, theirs, tuned = (model.get_tensor(name)[:rows].flatten() for model, name in
                               ((vlm, pair.vlm), (base, pair.base), (expert, pair.expert)))  # fmt: skip
        assert min(torch.cosine_similarity(ours, theirs, 0), torch.cosine_similarity(tuned, theirs, 0)) > 0.7, pair


@EVERY
def test_rows_merged_in_tiny_checkpoints(name, tmp_path):
    """The rows of the tokens that all three know; image tokens and what stands beside them are the VLM's."""
    folders = tiny_vlms.tiny_folders(name, tmp_path)
    words = [read_vocabulary(folder) for folder in vars(folders).values()]
    sizes = [infos(model, file_names(model)) for model in tiny_vlms.tiny_models(name)]
    known = tiny_vlms.ROWS.get(name, tiny_vlms.OTHER_ROWS)[1]
    embedding = [pair for pair in plan_pairs(*sizes, vocabularies=words) if pair.rows]
    assert {pair.rows for pair in embedding} == {known}
    assert all(f"{pair.shape[0] - known} rows of other tokens kept" in pair.reason for pair in embedding)


def test_a_base_without_its_head_module_pairs_too(tmp_path):
    """AutoModel's files have no "model." in front and no head."""
    vlm, base, _ = tiny_vlms.tiny_models("qwen3-vl-4b")
    bare = base.get_decoder().state_dict()
    assert "layers.0.mlp.up_proj.weight" in bare
    pairs = pair_names(file_names(vlm).values(), bare)
    assert set(pairs.values()) - {None} == set(bare)


def test_names_in_the_manner_of_llavas_own_repository():
    pairs = pair_names(["model.layers.0.mlp.up_proj.weight", "lm_head.weight", "model.mm_projector.0.weight",
                        "model.vision_tower.vision_tower.vision_model.encoder.layers.0.mlp.fc1.weight"],
                       ["model.layers.0.mlp.up_proj.weight", "lm_head.weight"])  # fmt: skip
    assert list(pairs.values()) == ["model.layers.0.mlp.up_proj.weight", "lm_head.weight", None, None]


def test_same_names_pair_and_other_names_stay():
    assert pair_names(["w", "b"], ["w"]) == {"w": "w", "b": None}
    assert language_name("score.weight") == "score.weight"


def test_vision_tensors_never_pair_even_if_the_base_has_them():
    names = ["model.visual.merger.norm.weight", "vision_tower.encoder.layers.0.fc1.weight", "image_newline"]
    assert set(pair_names(names, names).values()) == {None}


def test_rotary_buffers_of_older_files_are_left_alone():
    buffer = "model.layers.0.self_attn.rotary_emb.inv_freq"
    assert is_computed(buffer)
    assert pair_names([f"language_model.{buffer}"], [buffer]) == {f"language_model.{buffer}": None}


def test_two_names_for_one_tensor_are_an_error():
    with pytest.raises(ValueError, match=r"model\.norm\.weight and norm\.weight are the same tensor"):
        pair_names(["model.language_model.norm.weight"], ["model.norm.weight", "norm.weight"])


def test_a_base_that_is_a_vlm_itself_gives_its_language_model():
    vlm, _ = full_size("llava-1.5-7b")
    names = list(vlm.state_dict())
    assert pair_names(names, names) == {name: None if vision_part(name) else name for name in names}


