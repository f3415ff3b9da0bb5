"""Events about the notebook as a whole, the people in it and its files."""

from datetime import datetime
from typing import ClassVar

from msgspec import UNSET, UnsetType

from runt_protocol.events._base import ActorType, EventBase


class Debug(EventBase, frozen=True, kw_only=True):
    """Leaves a mark in the debug table."""

    event_name: ClassVar[str] = "v1.Debug"
    id: str


class NotebookInitialized(EventBase, frozen=True, kw_only=True):
    """Gave a notebook its title and owner; deprecated, found in old logs."""

    event_name: ClassVar[str] = "v1.NotebookInitialized"
    id: str
    title: str
    owner_id: str


class NotebookTitleChanged(EventBase, frozen=True, kw_only=True):
    """Gives the notebook a new title."""

    event_name: ClassVar[str] = "v1.NotebookTitleChanged"
    title: str


class NotebookMetadataSet(EventBase, frozen=True, kw_only=True):
    """Sets one entry of the notebook's metadata."""

    event_name: ClassVar[str] = "v1.NotebookMetadataSet"
    key: str
    value: str


class FileUploaded(EventBase, frozen=True, kw_only=True):
    """A file was uploaded; it replaces the one of the same name."""

    event_name: ClassVar[str] = "v1.FileUploaded"
    artifact_id: str
    mime_type: str
    file_name: str
    created_at: datetime
    created_by: str
    file_url: str | UnsetType = UNSET


class FileDeletedV1(EventBase, frozen=True, kw_only=True):
    """Removes a file's row."""

    event_name: ClassVar[str] = "v1.FileDeleted"
    file_name: str


class FileDeletedV2(EventBase, frozen=True, kw_only=True):
    """Marks a file as deleted and keeps its row."""

    event_name: ClassVar[str] = "v2.FileDeleted"
    file_name: str
    deleted_at: datetime


class PresenceSet(EventBase, frozen=True, kw_only=True):
    """Says in which cell a user is."""

    event_name: ClassVar[str] = "v1.PresenceSet"
    user_id: str
    cell_id: str | UnsetType = UNSET


class ActorProfileSet(EventBase, frozen=True, kw_only=True):
    """Sets how a person or an agent is shown."""

    event_name: ClassVar[str] = "v1.ActorProfileSet"
    id: str
    type: ActorType
    display_name: str
    avatar: str | UnsetType = UNSET
