"""What events about the notebook, its people and its files do to the tables."""

from runt_protocol._dates import format_date
from runt_protocol.events import (
    ActorProfileSet,
    Debug,
    FileDeletedV1,
    FileDeletedV2,
    FileUploaded,
    NotebookInitialized,
    NotebookMetadataSet,
    NotebookTitleChanged,
    PresenceSet,
)
from runt_protocol.state._registry import Family, move_presence, none_if_unset
from runt_protocol.state._rows import ActorRow, DebugRow, FileRow, MetadataRow
from runt_protocol.state._tables import Tables

materialises = Family()


@materialises(Debug)
def debug(tables: Tables, event: Debug) -> None:
    tables.debug.put_if_absent(DebugRow(id=event.id))


@materialises(NotebookInitialized)
def notebook_initialized(tables: Tables, event: NotebookInitialized) -> None:
    tables.notebook_metadata.put(MetadataRow(key="title", value=event.title))
    tables.notebook_metadata.put(MetadataRow(key="ownerId", value=event.owner_id))
    tables.debug.put(DebugRow(id=event.id))


@materialises(NotebookTitleChanged)
def notebook_title_changed(tables: Tables, event: NotebookTitleChanged) -> None:
    tables.notebook_metadata.put(MetadataRow(key="title", value=event.title))


@materialises(NotebookMetadataSet)
def notebook_metadata_set(tables: Tables, event: NotebookMetadataSet) -> None:
    tables.notebook_metadata.put(MetadataRow(key=event.key, value=event.value))


@materialises(FileUploaded)
def file_uploaded(tables: Tables, event: FileUploaded) -> None:
    tables.files.put(
        FileRow(
            file_name=event.file_name,
            mime_type=event.mime_type,
            artifact_id=event.artifact_id,
            file_url=none_if_unset(event.file_url),
            created_at=format_date(event.created_at),
            created_by=event.created_by,
        )
    )


@materialises(FileDeletedV1)
def file_deleted_v1(tables: Tables, event: FileDeletedV1) -> None:
    tables.files.delete(event.file_name)


@materialises(FileDeletedV2)
def file_deleted_v2(tables: Tables, event: FileDeletedV2) -> None:
    tables.files.update(event.file_name, deleted_at=format_date(event.deleted_at))


@materialises(PresenceSet)
def presence_set(tables: Tables, event: PresenceSet) -> None:
    move_presence(tables, event.user_id, event.cell_id or "")


@materialises(ActorProfileSet)
def actor_profile_set(tables: Tables, event: ActorProfileSet) -> None:
    tables.actors.put(
        ActorRow(
            id=event.id,
            type=event.type,
            display_name=event.display_name,
            avatar=none_if_unset(event.avatar),
        )
    )
