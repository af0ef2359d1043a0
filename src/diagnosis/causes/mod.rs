//! One file per root cause: its rule. `RULES` is the closed list; adding a cause adds a line.

mod access_control;
mod apache_balancer_error_state;
mod apache_max_workers;
mod apache_module_missing;
mod apache_ssl_proxy_off;
mod app_bind;
mod app_boot_failure;
mod app_boot_window;
mod app_config_invalid;
mod app_crash_signal;
mod app_deadlock;
mod app_dependency_failed;
mod app_ends;
mod app_exception_500;
mod app_fd_limit;
mod app_frozen;
mod app_killed_not_restarted;
mod app_lines;
mod app_not_listening;
mod app_port_in_use;
mod app_recycled_memory;
mod app_restart_loop;
mod app_start_limit_hit;
mod app_stopped_by_operator;
mod app_unit_condition_skipped;
mod app_unit_failed_exit;
mod app_unit_stopped;
mod app_worker_killed;
mod app_worker_segfault;
mod behind;
mod boot_order;
mod by_gateway_line;
mod by_signature;
mod by_upstream_line;
mod caddy_health;
mod chained_proxy;
mod client_left;
mod compose_waits;
mod config_not_reloaded;
mod conntrack_full;
mod container_child_oom;
mod container_exited;
mod container_inside;
mod container_listens_loopback;
mod container_network_mismatch;
mod container_not_restarted;
mod container_oomkilled;
mod container_paused;
mod container_port_mapping_wrong;
mod container_port_not_published;
mod container_refused_start;
mod container_restart_loop;
mod container_stale_ip;
mod container_unhealthy;
mod contested;
mod disks;
mod dns_no_resolver;
mod dns_nxdomain;
mod dns_rule;
mod dns_server_failure;
mod dns_stale;
mod dns_unresolvable_at_start;
mod docker_daemon_down;
mod docker_iptables_flushed;
mod ephemeral_ports_exhausted;
mod firewall_drop;
mod firewall_reject;
mod fpm_allowed_clients;
mod fpm_max_children;
mod fpm_orphan_children;
mod gateway_lines;
mod gateway_own_trouble;
mod group_limits;
mod hangs_up;
mod haproxy_group;
mod haproxy_no_server;
mod haproxy_queue_timeout;
mod haproxy_refused;
mod haproxy_server_down;
mod haproxy_server_maint;
mod health_check_wrong;
mod host_down_arp;
mod intercepted_error_page;
mod keepalive_race;
mod mtu_blackhole;
mod network_timeouts;
mod network_ways;
mod no_live_upstreams;
mod nobody_serves;
mod oom_cgroup_unit;
mod oom_global;
mod oom_rule;
mod pm2_errored;
mod pm2_not_resurrected;
mod program_rule;
mod programs;
mod protocol_h2_on_http1;
mod protocol_http_to_fcgi;
mod proxy_config_invalid;
mod proxy_fd_limit;
mod proxy_no_workers;
mod proxy_not_running;
mod proxy_own_answer;
mod proxy_port_in_use;
mod proxy_protocol_mismatch;
mod proxy_read_timeout;
mod reloads;
mod remote_refused;
mod response_header_too_big;
mod response_truncated;
mod rule;
mod runtime_dir_missing;
mod supervisor_fatal;
mod syn_queue_full;
mod systemd_sandbox_family;
mod tcp_accept_queue_full;
mod timeout_chain_inverted;
mod tls_backend;
#[cfg(test)]
mod tls_backend_tests;
mod tls_plain_to_https;
mod tls_to_plain_port;
mod unit_not_enabled;
mod unit_reasons;
mod unix_backlog_full;
mod unix_socket;
mod unix_socket_dir_permission;
mod unix_socket_path_mismatch;
mod unix_socket_permission;
mod unix_socket_private_tmp;
mod unix_socket_stale;
mod unix_socket_unlinked;
mod unix_socket_wrong_type;
mod upload_rejected_early;
mod upstream_addr_family;
mod upstream_all_banned;
mod upstream_bind_interface;
mod upstream_port_wrong;
mod upstream_sent_5xx;

use crate::diagnosis::{Finding, Scene};

use rule::Rule;

/// Every rule that stands alone.
static RULES: &[Rule] = &[
    access_control::APPARMOR,
    access_control::NAME_CONNECT,
    access_control::UNIX_CONNECT,
    apache_balancer_error_state::RULE,
    apache_max_workers::RULE,
    apache_module_missing::RULE,
    apache_ssl_proxy_off::RULE,
    app_bind::ADDRESS,
    app_bind::REFUSED,
    app_boot_failure::RULE,
    app_boot_window::RULE,
    app_config_invalid::RULE,
    app_crash_signal::RULE,
    app_deadlock::RULE,
    app_dependency_failed::RULE,
    app_exception_500::RULE,
    app_fd_limit::RULE,
    app_frozen::RULE,
    app_killed_not_restarted::RULE,
    app_not_listening::RULE,
    app_port_in_use::RULE,
    app_recycled_memory::RULE,
    app_restart_loop::RULE,
    app_start_limit_hit::RULE,
    app_unit_condition_skipped::RULE,
    app_stopped_by_operator::RULE,
    app_unit_failed_exit::RULE,
    app_unit_stopped::RULE,
    app_worker_killed::RULE,
    app_worker_segfault::RULE,
    boot_order::RULE,
    chained_proxy::RULE,
    client_left::BALANCER,
    client_left::RULE,
    config_not_reloaded::RULE,
    conntrack_full::RULE,
    container_child_oom::RULE,
    container_exited::RULE,
    container_listens_loopback::RULE,
    container_network_mismatch::RULE,
    container_not_restarted::EXHAUSTED,
    container_not_restarted::NO_POLICY,
    container_oomkilled::RULE,
    container_paused::RULE,
    container_port_mapping_wrong::RULE,
    container_port_not_published::RULE,
    container_refused_start::EXEC,
    container_refused_start::PORT,
    container_restart_loop::RULE,
    container_stale_ip::RULE,
    container_unhealthy::RULE,
    disks::APP,
    disks::INODES,
    disks::PROXY_TEMP,
    disks::READ_ONLY,
    dns_no_resolver::RULE,
    dns_nxdomain::RULE,
    dns_server_failure::RULE,
    dns_stale::SHADOW,
    dns_stale::STALE,
    dns_unresolvable_at_start::RULE,
    docker_daemon_down::RULE,
    docker_iptables_flushed::RULE,
    ephemeral_ports_exhausted::RULE,
    firewall_drop::RULE,
    firewall_reject::RULE,
    fpm_allowed_clients::RULE,
    fpm_max_children::RULE,
    haproxy_no_server::RULE,
    haproxy_queue_timeout::RULE,
    haproxy_server_down::RULE,
    haproxy_server_maint::RULE,
    health_check_wrong::RULE,
    fpm_orphan_children::RULE,
    gateway_own_trouble::BIND,
    gateway_own_trouble::TEMP,
    group_limits::CPU,
    group_limits::TASKS,
    host_down_arp::RULE,
    intercepted_error_page::RULE,
    hangs_up::RULE,
    keepalive_race::RULE,
    mtu_blackhole::RULE,
    network_timeouts::CONNECT,
    network_timeouts::RETRANSMIT,
    no_live_upstreams::ALL_DOWN,
    no_live_upstreams::MAX_CONNS,
    oom_cgroup_unit::RULE,
    oom_global::RULE,
    pm2_errored::RULE,
    pm2_not_resurrected::RULE,
    protocol_h2_on_http1::RULE,
    protocol_http_to_fcgi::RULE,
    proxy_config_invalid::RULE,
    proxy_fd_limit::RULE,
    proxy_no_workers::RULE,
    proxy_not_running::RULE,
    proxy_own_answer::RULE,
    proxy_port_in_use::RULE,
    proxy_protocol_mismatch::RULE,
    proxy_read_timeout::RULE,
    reloads::DROPS,
    reloads::KILLS,
    reloads::SOCKET,
    reloads::STOP,
    remote_refused::RULE,
    response_header_too_big::RULE,
    response_truncated::RULE,
    runtime_dir_missing::RULE,
    supervisor_fatal::RULE,
    syn_queue_full::RULE,
    systemd_sandbox_family::RULE,
    tcp_accept_queue_full::RULE,
    timeout_chain_inverted::RULE,
    tls_backend::CLIENT,
    tls_backend::CLOSED,
    tls_backend::EXPIRED,
    tls_backend::NAME,
    tls_backend::SKEW,
    tls_backend::SNI,
    tls_backend::TIMEOUT,
    tls_backend::UNTRUSTED,
    tls_backend::VERSION,
    tls_plain_to_https::RULE,
    tls_to_plain_port::RULE,
    unit_not_enabled::RULE,
    unix_backlog_full::RULE,
    unix_socket_dir_permission::RULE,
    unix_socket_path_mismatch::RULE,
    unix_socket_permission::RULE,
    unix_socket_private_tmp::RULE,
    unix_socket_stale::RULE,
    unix_socket_unlinked::RULE,
    unix_socket_wrong_type::RULE,
    upload_rejected_early::RULE,
    upstream_addr_family::RULE,
    upstream_all_banned::RULE,
    upstream_bind_interface::RULE,
    upstream_port_wrong::RULE,
    upstream_sent_5xx::RULE,
];

/// Ids of the causes that have a rule of their own.
pub fn rule_ids() -> impl Iterator<Item = &'static str> {
    let tables = app_ends::ids()
        .chain(app_lines::ids())
        .chain(gateway_lines::ids())
        .chain(network_ways::ids())
        .chain(unit_reasons::ids());
    RULES.iter().map(|rule| rule.cause).chain(tables)
}

/// Runs every rule.
pub(super) fn judge_all(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = RULES.iter().flat_map(|rule| (rule.judge)(scene)).collect();
    found.extend(gateway_lines::judge(scene));
    found.extend(app_ends::judge(scene));
    found.extend(app_lines::judge(scene));
    found.extend(network_ways::judge(scene));
    found.extend(unit_reasons::judge(scene));
    found.extend(by_signature::judge(scene));
    found.extend(programs::judge(scene));
    found.extend(compose_waits::judge(scene));
    found
}
