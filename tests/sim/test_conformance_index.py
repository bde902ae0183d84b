"""Where each conformance case lives: by its authors' names, with the test that holds it.

Every row names one test.  A row whose test has gone, and a conformance test that no row names,
fail this file; so the table is complete in both directions.

    vpp       VPP's test_vrrp.py                      each for IPv4 and IPv6 where it has both
    holo      holo-vrrp's conformance directory
    ze        transition matrix, validation order, negatives, scenarios, boundaries, QS-1..8
    frr       faults from FRR's issue tracker
    os-ken, nixos, netlab                             their integration tests
    rfc9568   the requirements of the text, by section
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
HERE = "sim/test_conformance_"
FSM, TIMERS, RECEIVE = "unit/test_fsm.py", "unit/test_fsm_timers.py", "unit/test_validation.py"

CASES = """
vpp: owner advertises at once; join, advert, announce, priority 0 on stop | vpp | test_the_owner_advertises_at_once_and_resigns_at_the_end
vpp: update from owner to lower priority         | vpp | test_an_owner_that_is_given_a_lower_priority_goes_on_with_it
vpp: backup silent for twice the down interval   | vpp | test_a_backup_is_silent_under_higher_advertisements
vpp: active answers ARP/NS with the virtual MAC  | vpp | test_a_master_answers_for_the_address_with_the_virtual_mac_until_it_stops
vpp: backup ignores ARP/NS                       | vpp | test_a_backup_answers_no_request_for_the_address
vpp: election after the down interval            | vpp | test_the_election_comes_after_the_down_interval_and_not_earlier
vpp: backup preempts a lower sender              | vpp | test_a_backup_preempts_a_lower_sender_when_its_timer_expires
vpp: active yields to 255                        | vpp | test_a_master_yields_to_255
vpp: accept mode off and on                      | vpp | test_pings_are_answered_only_in_accept_mode
vpp: accept mode of the owner                    | vpp | test_the_owner_answers_pings_without_accept_mode
vpp: interface tracking, admin down              | vpp | test_a_tracked_interface_changes_the_advertised_priority
vpp: interface tracking, address removal         | vpp | test_without_an_address_of_its_own_a_router_does_not_take_part
vpp: unicast, physical MAC, peer address         | vpp | test_unicast_goes_to_the_peers_by_the_physical_interface
vpp: oversized address list (IPv4)               | vpp | test_an_oversized_address_list_is_cut
vpp: adverts at the interval                     | vpp | test_nothing_is_sent_a_nanosecond_before_its_time
holo: master-down-timer1                         | holo | test_master_down_timer1_advert_then_addresses_then_announcement
holo: packet1                                    | holo | test_packet1_priority_0_at_a_master_is_answered_once
holo: packet2, v2                                | holo | test_packet2_version_2_is_silent_on_a_lower_priority_under_strict
holo: packet2, v3                                | holo | test_packet2_version_3_answers_a_lower_priority_at_once
holo: packet3                                    | holo | test_packet3_a_higher_priority_takes_the_address_away
holo: packet-error1 version                      | holo | test_packet_error1_another_version_is_named_and_ignored
holo: packet-error2 interval                     | holo | test_packet_error2_a_wrong_interval_is_named_and_ignored
holo: packet-error3 vrid                         | holo | test_packet_error3_an_unknown_vrid_is_counted_for_the_interface
holo: ibus-iface-update1 parent down             | holo | test_ibus_iface_update1_the_parent_goes_down
holo: ibus-iface-update2 macvlan down            | holo | test_ibus_iface_update2_the_macvlan_goes_away
holo: nb-config instance                         | holo | test_nb_config_an_instance_comes_and_goes
holo: nb-config address                          | holo | test_nb_config_an_address_comes_and_goes
holo: nb-config interval                         | holo | test_nb_config_the_interval_of_a_running_master_changes
ze: transition matrix                            | FSM | test_every_state_and_event
ze: transition matrix is complete                | FSM | test_the_table_is_complete
ze: validation, single faults                    | validation | test_each_fault_alone_is_counted_under_its_name_and_changes_nothing
ze: validation, every adjacent pair              | validation | test_of_two_neighbouring_faults_the_first_is_counted
ze: validation, with a password                  | RECEIVE | test_of_two_faults_the_first_is_reported
ze: validation, VRID first                       | validation | test_the_vrid_comes_before_every_other_check
ze: validation, no fault                         | validation | test_without_faults_it_is_believed
ze: validation, junk delays nobody               | validation | test_junk_ten_times_a_second_does_not_delay_a_master
ze: negatives N1..N10                            | ze | test_negatives_change_nothing
ze: negatives, counter-check                     | ze | test_a_packet_without_any_of_these_faults_is_believed
ze: election, QS-1                               | ze | test_qs1_version_3_elects_the_higher_priority
ze: node death and preempt return, QS-2          | ze | test_qs2_a_node_dies_and_comes_back
ze: priority 0 skew path, QS-3                   | ze | test_qs3_priority_0_costs_one_skew
ze: reverse mastership, preempt off, QS-4        | ze | test_qs4_the_mastership_stays_reversed_without_preemption
ze: v2 wire format, QS-5                         | ze | test_qs5_the_format_of_version_2_on_the_wire
ze: IPv6, QS-6                                   | ze | test_qs6_ipv6_is_sent_between_link_local_addresses
ze: tie-break, QS-7                              | ze | test_qs7_a_tie_goes_to_the_higher_address
ze: self election, QS-8                          | ze | test_qs8_alone_a_router_elects_itself
ze: preempt on/off by delay                      | ze | test_scenario_preempt_by_delay
ze: graceful stop                                | ze | test_scenario_a_graceful_stop_of_every_router_in_turn
ze: flap                                         | ze | test_scenario_a_flapping_cable_does_not_make_the_address_flap
ze: stale timer events                           | ze | test_a_stale_timer_changes_nothing
ze: timers of an earlier life                    | ze | test_a_timer_of_a_life_that_is_over_does_not_fire
ze: boundaries, VRID                             | ze | test_boundaries_of_the_vrid
ze: boundaries, VRID beyond                      | ze | test_boundaries_of_the_vrid_beyond
ze: boundaries, count                            | ze | test_boundaries_of_the_count
ze: boundaries, count 0                          | ze | test_boundaries_of_the_count_none_at_all
ze: boundaries, priority                         | ze | test_boundaries_of_the_priority
ze: boundaries, interval v3                      | ze | test_boundaries_of_the_interval_of_version_3
ze: boundaries, interval v2                      | ze | test_boundaries_of_the_interval_of_version_2
ze: boundaries, interval beyond                  | ze | test_boundaries_of_the_interval_beyond
frr: 16995 backup answers ARP after a flap       | others | test_frr_16995_a_backup_does_not_answer_after_its_interface_flapped
frr: 4777 stuck in initialize                    | others | test_frr_4777_no_router_stays_in_initialize
frr: reserved nibble learned                     | others | test_frr_reserved_bits_are_no_part_of_the_interval
frr: interval 0 parks a master                   | others | test_frr_interval_0_neither_parks_nor_flips_a_master
frr: skew cut to centiseconds                    | others | test_frr_two_neighbouring_priorities_do_not_expire_together
os-ken: 52 VRIDs, shuffled, half shut down       | others | test_osken_fifty_two_routers_shuffled_and_half_of_them_shut_down
nixos: keepalived                                | others | test_nixos_the_higher_priority_owns_and_the_other_can_ping_it
netlab: priority change                          | others | test_netlab_a_change_of_priority_moves_the_address
netlab: interface down                           | others | test_netlab_an_interface_goes_down_and_comes_back
netlab: both families                            | others | test_netlab_both_families_of_one_vrid_ignore_each_other
rfc9568 8.4: v2 and v3 side by side              | others | test_version_2_and_version_3_of_one_vrid_ignore_each_other_and_count_it
rfc9568 6.1: Skew_Time and Master_Down_Interval  | TIMERS | *
rfc9568 6.4.3: tie by address, as a number       | FSM | test_ties_go_to_the_higher_address_as_a_number
rfc9568 6.1: the owner always preempts           | FSM | test_the_owner_preempts_whatever_preempt_mode_says
rfc9568 7.1: no side effects before the last check | RECEIVE | test_a_packet_with_one_fault_touches_nothing_but_its_counter
"""  # noqa: E501


def rows() -> list[tuple[str, Path, str]]:
    """(case, file, test) of every row."""
    short = {"FSM": FSM, "TIMERS": TIMERS, "RECEIVE": RECEIVE}
    found = []
    for line in CASES.strip().splitlines():
        case, where, test = (cell.strip() for cell in line.split("|"))
        found.append((case, TESTS / short.get(where, f"{HERE}{where}.py"), test))
    return found


def functions(path: Path) -> set[str]:
    """The tests of a file."""
    return {
        node.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


@pytest.mark.parametrize(("case", "path", "test"), rows(), ids=lambda one: str(one).split("/")[-1])
def test_every_case_has_its_test(case: str, path: Path, test: str) -> None:
    assert functions(path) if test == "*" else test in functions(path)


def test_every_conformance_test_has_its_row() -> None:
    named = {test for _, _, test in rows()}
    there = {
        test
        for path in (TESTS / "sim").glob("test_conformance_*.py")
        if path.name != Path(__file__).name
        for test in functions(path)
    }
    assert there - named == set()


def test_no_case_is_listed_twice() -> None:
    cases = [case for case, _, _ in rows()]
    assert len(cases) == len(set(cases))
