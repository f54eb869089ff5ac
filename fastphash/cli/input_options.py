"""Options on what is taken of the inputs: files by their names, bands and bits of pixels."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def all_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order of the help."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def pattern_options(command: F) -> F:
    """``--include GLOB --exclude GLOB``: see `NamePatterns`."""
    return all_options(
        click.option(
            "--include",
            multiple=True,
            metavar="GLOB",
            help="Take only files that GLOB matches: '*.jpg' in any folder, 'raw/*.tif' in the "
            "folder raw of a split, 'raw/**' all below it. In tar and zip files these are the "
            "names of members, in Parquet files the paths beside the bytes. May be repeated.",
        ),
        click.option(
            "--exclude",
            multiple=True,
            metavar="GLOB",
            help="Leave out files and folders that GLOB matches, even if --include takes them. May "
            "be repeated.",
        ),
    )(command)


def masks_option(command: F) -> F:
    """``--masks IMAGES=MASKS``: see `mask_folders`."""
    return click.option(
        "--masks",
        multiple=True,
        metavar="IMAGES=MASKS|none",
        help="Folders with the masks of images: images=gt has those of images/a/1.jpg in gt/a/, "
        "and .=gt those of a/1.jpg in a/gt/. They are not hashed, and go where their images go. "
        "May be repeated; none takes all masks for images.  [default: folders called masks, gt, "
        "labels or the like beside one called images, photos or the like, if most of their files "
        "have an image of their name, and nearly all of these at most a quarter of its bytes]",
    )(command)


def depth_options(command: F) -> F:
    """What is done with more than 8 bits, and with bands: see `HashOptions`."""
    return all_options(
        click.option(
            "--strict-imagehash",
            is_flag=True,
            help="Clip 16-bit and float pixels, as Pillow does, instead of stretching them.",
        ),
        click.option(
            "--bands",
            default="auto",
            metavar="N,N,N",
            help="Bands of TIFFs to hash, one or three.  [default: 1,2,3 where there are so many, "
            "else 1]",
        ),
        click.option(
            "--stretch",
            default="2,98",
            show_default=True,
            metavar="LOW,HIGH",
            help="Of more than 8 bits: the percentiles of each band that become black and white, "
            "two values such as 0,3000, or minmax.",
        ),
        click.option(
            "--nodata",
            default="auto",
            show_default=True,
            metavar="VALUE",
            help="The value in TIFFs that is no picture; auto takes what a TIFF of more than 8 "
            "bits declares, and its masks; or none.",
        ),
    )(command)
