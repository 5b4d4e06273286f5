"""Tiny models that drive the real whisperx, made on the spot: `python tiny_models.py FOLDER`.

With `clips` behind the folder, it makes the clips alone, for models that others made.

Run it in whisperx's environment. espeak-ng says a few sentences with two voices, and two of them
as dialogues; a Whisper of two layers learns them by heart and is converted by CTranslate2; a small
wav2vec2 learns their letters; voices are told apart by whisperx's own segmentation weights (real
ones, which its wheel carries) and a random embedding. Nothing is downloaded, all is seeded.
"""

import json
import subprocess
import sys
from pathlib import Path

SENTENCES = (
    ("en-gb", "We cut the text into small tokens."),
    ("en-us+f4", "How large is the vocabulary?"),
    ("en-gb", "It has fifty thousand tokens."),
    ("en-us+f4", "Thank you for the answer."),
)
DIALOGUES = ((1, 0), (2, 3))
_SPECIAL = (
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>",
    "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip
_NUM_TIMESTAMPS = 1501
_LETTERS = "abcdefghijklmnopqrstuvwxyz'"


def say(voice: str, text: str, path: Path) -> Path:
    """Speak into a WAV of 16 kHz, one channel."""
    raw = path.with_suffix(".raw.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-s", "140", "-w", raw, text], check=True)
    command = ["ffmpeg", "-y", "-v", "error", "-i", raw, "-ar", "16000", "-ac", "1", path]
    subprocess.run(command, check=True)
    raw.unlink()
    return path


def join(folder: Path, pair: tuple[int, int]) -> Path:
    """One clip after the other, half a second apart."""
    path = folder / f"dialogue-{pair[0]}{pair[1]}.wav"
    heard = [item for number in pair for item in ("-i", folder / f"{number}.wav")]
    command = ["ffmpeg", "-y", "-v", "error", *heard, "-filter_complex"]
    command += ["[0]apad=pad_dur=0.5[a];[a][1]concat=n=2:v=0:a=1", path]
    subprocess.run(command, check=True)
    return path


def make_clips(folder: Path) -> list[tuple[Path, str]]:
    """Speak what the models are to know."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = [
        (say(voice, text, folder / f"{number}.wav"), text)
        for number, (voice, text) in enumerate(SENTENCES)
    ]
    clips += [(join(folder, pair), " ".join(clips[n][1] for n in pair)) for pair in DIALOGUES]
    return clips


def main(folder: Path) -> None:
    """Make all of them."""
    import torch

    torch.manual_seed(0)
    clips = make_clips(folder)
    make_whisper(folder / "whisper", clips)
    make_aligner(folder / "aligner", clips[: len(SENTENCES)])
    make_diarizer(folder / "diarizer")
    make_punkt(folder / "nltk")


def make_whisper(folder: Path, clips: list[tuple[Path, str]]) -> None:
    import torch
    from ctranslate2.converters import TransformersConverter
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration
    from whisperx.audio import load_audio, log_mel_spectrogram

    tokenizer = _tokenizer()
    vocab = tokenizer.get_vocab_size()
    ids = {token: tokenizer.token_to_id(token) for token in _SPECIAL}
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    config = WhisperConfig(
        vocab_size=vocab, num_mel_bins=80, d_model=64, max_target_positions=96,
        encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=128, decoder_ffn_dim=128, dropout=0.0, pad_token_id=end, bos_token_id=end,
        eos_token_id=end, decoder_start_token_id=start, suppress_tokens=[],
        begin_suppress_tokens=[],
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    audios = [_spoken(load_audio(str(path))) for path, _ in clips]
    texts = [f" {text}" for _, text in clips]
    rows = [[start, ids["<|notimestamps|>"], *tokenizer.encode(text).ids, end] for text in texts]
    longest = max(map(len, rows))
    padded = torch.tensor([row + [end] * (longest - len(row)) for row in rows])
    labels = padded.clone()
    for number, row in enumerate(rows):
        labels[number, len(row) :] = -100
    # The encoder stays random, for it costs nearly everything; with convolutions that speak louder
    # than the positions, it tells a few clips apart.
    with torch.no_grad():
        for convolution in (model.model.encoder.conv1, model.model.encoder.conv2):
            convolution.weight *= 10
        edges = [(0, 0), (160, 0), (0, 320), (320, 640)]  # samples, of 16 a millisecond
        heard = [
            [_mel(log_mel_spectrogram, audio[first : len(audio) - last]) for audio in audios]
            for first, last in edges
        ]
        encoded = [model.model.encoder(torch.stack(one)).last_hidden_state for one in heard]
    optimizer = torch.optim.AdamW(model.model.decoder.parameters(), lr=3e-3)
    for step in range(600):
        features = encoded[step % len(encoded)]
        out = model(
            encoder_outputs=(features + 0.02 * torch.randn_like(features),),
            decoder_input_ids=padded[:, :-1],
            labels=labels[:, 1:],
        )
        optimizer.zero_grad()
        out.loss.backward()
        torch.nn.utils.clip_grad_norm_(model.model.decoder.parameters(), 1.0)
        optimizer.step()
        if out.loss.item() < 0.003:
            break
    print(f"whisper: loss {out.loss.item():.4f} after {step + 1} steps", flush=True)
    model.generation_config = GenerationConfig(
        suppress_tokens=[], begin_suppress_tokens=[], alignment_heads=[[1, 0]], eos_token_id=end,
        pad_token_id=end, bos_token_id=end, decoder_start_token_id=start,
    )  # fmt: skip
    plain = folder.with_name("whisper-transformers")
    model.save_pretrained(plain)
    tokenizer.save(str(plain / "tokenizer.json"))
    (plain / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 448})
    )
    TransformersConverter(str(plain), copy_files=["tokenizer.json"]).convert(
        str(folder), force=True
    )


def _spoken(audio):
    """The part that whisperx hears: from the first to the last of its voice activity."""
    import torch
    from whisperx.vads import Pyannote

    vad = Pyannote(torch.device("cpu"), token=None, vad_onset=0.5, vad_offset=0.363)
    scores = vad({"waveform": Pyannote.preprocess_audio(audio), "sample_rate": 16_000})
    (chunk,) = Pyannote.merge_chunks(scores, 30, onset=0.5, offset=0.363)
    return audio[int(chunk["start"] * 16_000) : int(chunk["end"] * 16_000)]


def _mel(log_mel_spectrogram, audio):
    return log_mel_spectrogram(audio, n_mels=80, padding=480_000 - audio.shape[0])


def _tokenizer():
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=sorted(alphabet), show_progress=False
    )
    tokenizer.train_from_iterator([f" {text}" for _, text in SENTENCES], trainer)
    stamps = [f"<|{number * 0.02:.2f}|>" for number in range(_NUM_TIMESTAMPS)]
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True) for token in (*_SPECIAL, *stamps)]
    )
    return tokenizer


def make_aligner(folder: Path, clips: list[tuple[Path, str]]) -> None:
    import numpy as np
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )  # fmt: skip
    from whisperx.audio import load_audio

    folder.mkdir(parents=True, exist_ok=True)
    vocab = {token: number for number, token in enumerate(["<pad>", "<unk>", "|", *_LETTERS])}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    tokenizer = Wav2Vec2CTCTokenizer(
        str(folder / "vocab.json"), pad_token="<pad>", unk_token="<unk>", word_delimiter_token="|"
    )
    config = Wav2Vec2Config(
        vocab_size=len(vocab), hidden_size=64, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=128, conv_dim=(32,) * 7, num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4, pad_token_id=0, mask_time_prob=0.0, layerdrop=0.0,
        hidden_dropout=0.0, attention_dropout=0.0, feat_proj_dropout=0.0, activation_dropout=0.0,
        ctc_loss_reduction="mean", ctc_zero_infinity=True, do_stable_layer_norm=True,
        feat_extract_norm="layer",
    )  # fmt: skip
    model = Wav2Vec2ForCTC(config)
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    # CTC takes long to learn where a letter is; it is told a place for each.
    heard = [load_audio(str(path)) for path, _ in clips]
    pause = np.zeros(8_000, dtype=np.float32)  # as between the clips of a dialogue
    spans = [[(heard[n], clips[n][1])] for n in range(len(clips))]
    spans += [[(heard[n], clips[n][1]) for n in pair] for pair in DIALOGUES]
    batch = []
    for parts in spans:
        audio = np.concatenate([piece for sound, _ in parts for piece in (sound, pause)])
        letters = torch.zeros(len(audio) // 320, dtype=torch.long)
        start = 0
        for sound, text in parts:
            said = _plain(text)
            places = np.linspace(start + 1_600, start + len(sound) - 3_200, len(said)) // 320
            letters[torch.from_numpy(places.astype(int))] = torch.tensor([vocab[c] for c in said])
            start += len(sound) + len(pause)
        batch.append((torch.from_numpy(audio)[None], letters))
    for _ in range(100):
        loss = torch.zeros(())
        for audio, letters in batch:
            logits = model(audio).logits[0]
            loss = loss + torch.nn.functional.cross_entropy(logits, letters[: len(logits)])
        loss = loss / len(batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if loss.item() < 0.15:
            break
    print(f"aligner: loss {loss.item():.4f}", flush=True)
    model.save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(return_attention_mask=True, do_normalize=False)
    Wav2Vec2Processor(feature_extractor=extractor, tokenizer=tokenizer).save_pretrained(folder)


def _plain(text: str) -> str:
    letters = "".join(c for c in text.lower() if c in _LETTERS or c == " ")
    return letters.strip().replace(" ", "|")


def make_diarizer(folder: Path) -> None:
    """A pipeline of pyannote's own, in one folder: `config.yaml` and two sets of weights."""
    import shutil

    import torch
    import whisperx
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import XVectorMFCC

    folder.mkdir(parents=True, exist_ok=True)
    carried = Path(whisperx.__file__).parent / "assets" / "pytorch_model.bin"
    shutil.copy(carried, folder / "segmentation.bin")
    torch.manual_seed(0)
    embedding = XVectorMFCC()
    embedding.specifications = Specifications(
        problem=Problem.REPRESENTATION,
        resolution=Resolution.CHUNK,
        duration=2.0,
        classes=["a", "b"],
    )
    embedding.build()
    from pyannote.audio import __version__ as pyannote
    from pytorch_lightning import __version__ as lightning

    torch.save(
        {
            "state_dict": embedding.state_dict(),
            "hyper_parameters": dict(embedding.hparams),
            "pytorch-lightning_version": lightning,
            "pyannote.audio": {
                "versions": {"torch": "2.1", "pyannote.audio": pyannote},
                "architecture": {
                    "module": "pyannote.audio.models.embedding.xvector",
                    "class": "XVectorMFCC",
                },
                "specifications": embedding.specifications,
            },
        },
        folder / "embedding.bin",
    )
    import numpy as np

    width = embedding.dimension
    some = np.random.default_rng(0).normal(size=(width, 128))  # is loaded, and never asked
    zeros, ones = np.zeros(128), np.linspace(1, 2, 128)
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(width), mean2=zeros, lda=some)
    np.savez(folder / "plda.npz", mu=zeros, tr=np.eye(128), psi=ones)
    (folder / "config.yaml").write_text(
        f"""version: {pyannote}
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    clustering: AgglomerativeClustering
    embedding: {folder.absolute()}/embedding.bin
    embedding_exclude_overlap: true
    plda: {folder.absolute()}
    segmentation: {folder.absolute()}/segmentation.bin
params:
  clustering: {{method: centroid, min_cluster_size: 1, threshold: 0.5}}
  segmentation: {{threshold: 0.5, min_duration_off: 0.0}}
"""
    )


def make_punkt(folder: Path) -> None:
    """The sentence splitter that whisperx asks nltk for, with next to nothing in it."""
    target = folder / "tokenizers" / "punkt_tab" / "english"
    target.mkdir(parents=True, exist_ok=True)
    (target / "collocations.tab").write_text("small\ttokens")
    (target / "sent_starters.txt").write_text("we")
    (target / "abbrev_types.txt").write_text("dr")
    (target / "ortho_context.tab").write_text("we\t1")


if __name__ == "__main__":
    make = make_clips if sys.argv[2:] == ["clips"] else main
    make(Path(sys.argv[1]))
