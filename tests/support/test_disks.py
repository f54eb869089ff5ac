from tests.support.disks import MEMORY, elsewhere, in_memory, write_into_memory


def test_who_names_a_place_for_folders_of_tests_gets_it():
    environment = {"PYTEST_DEBUG_TEMPROOT": "/mine"}
    write_into_memory(environment)
    assert environment == {"PYTEST_DEBUG_TEMPROOT": "/mine"}


def test_memory_without_room_is_left_alone(monkeypatch):
    monkeypatch.setattr("tests.support.disks._ROOM", 1 << 62)
    environment = {}
    write_into_memory(environment)
    assert environment == {}


def test_folders_in_memory_and_on_disk_are_on_different_devices(tmp_path):
    assert elsewhere(tmp_path).stat().st_dev != tmp_path.stat().st_dev
    assert elsewhere(in_memory()) != MEMORY
