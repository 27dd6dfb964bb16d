/**
 * Words that people who run software use for each other, one group a line. A word may be in several.
 * They are general on purpose: what one company or one plugin calls its things belongs into titles,
 * descriptions and examples of its actions.
 */
export const synonymGroups: readonly string[] = `
  create add make new open provision register insert start
  delete remove drop erase destroy discard
  purge empty clear flush wipe discard throw
  change edit update modify alter adjust set configure setup install
  list show display see view browse enumerate print
  find search look lookup query locate grep match filter where
  fetch read retrieve download export
  restart reboot bounce recycle
  start launch run trigger kick execute invoke begin
  stop halt cancel abort kill terminate
  disable deactivate toggle switch suspend kill
  enable activate toggle switch
  silence mute snooze quiet suppress ignore bother disturb
  again retry rerun replay redo repeat resend reprocess anew
  restore recover undelete undo rollback revert back previous
  previous earlier before prior former last
  now current currently moment live present running active
  deploy deployment ship rollout release publish
  promote advance next
  scale resize replicas capacity instances autoscale
  increase raise grow bigger larger more extend expand upgrade enlarge scale resize
  reduce lower shrink smaller fewer decrease rightsize downsize scale resize
  declare report open announce start raise
  resolve close fix fixed finish end done
  escalate raise severity
  approve accept confirm allow grant let permit authorize
  reject decline deny refuse block ban forbid blacklist
  freeze lock hold moratorium nothing
  trade swap exchange
  rename move transfer migrate reassign
  copy duplicate clone mirror replicate
  test check verify validate try probe
  compare difference diff versus vs differ
  explain why reason cause diagnose debug troubleshoot investigate happening
  predict forecast expect estimate projection future
  suggest recommend advice propose
  follow tail watch stream trace
  wake page call notify ring phone reach
  acknowledge ack looking
  invite onboard onboarding newcomer hire joiner starter
  offboard offboarding leave leaver quit departure
  thank thanks kudos praise
  rotate replace renew change refresh
  kubernetes k8s cluster kubectl
  pod container docker workload
  database db sql postgres postgresql mysql rds
  statement query sql select
  primary main master leader failover
  replica standby secondary follower slave failover
  failover takeover
  disk storage volume space drive
  queue topic stream kafka rabbitmq sqs broker messaging
  event message record
  lag behind backlog delay late
  dead poison poisoned dlq unprocessable failed
  bucket s3 blob object gcs file
  repository repo git source
  pr pull mr review merge
  documentation docs doc wiki manual guide handbook howto readme page instructions
  link hyperlink url href
  environment env stage
  staging stage preprod
  production prod live
  configuration config setting preference
  credential password passwd token secret key
  certificate cert tls ssl https
  expire expiring expiry lapse validity end due
  incident outage disruption emergency interruption down
  downtime unavailability availability uptime unreliability reliability sla slo
  postmortem retrospective learned lessons
  runbook playbook procedure
  alert alarm alarming notification notify firing fire
  cost spend spending price bill billing money expense charge pay paid
  invoice bill receipt
  budget limit allowance
  idle unused wasted touches leftover abandoned
  stale outdated old obsolete leftover cleanup unmaintained forgotten behind
  noisy annoying spam spammy
  flaky unreliable unstable intermittent flapping
  failure fail failed failing error broken dead crash red wrong fault
  crash die dying died exit oomkilled crashing
  exception stacktrace traceback panic stack
  slow latency performance speed fast response duration percentile p50 p95 p99 crawl takes
  traffic load request hit throughput rps qps
  saturation cpu memory processor ram utilization
  metric measurement statistic number value
  chart graph plot dashboard
  log logs output stdout
  user person people human employee colleague somebody
  user customer visitor client
  client consumer caller
  team group squad department
  expert expertise skill knows know experience specialist
  service component application app microservice website site homepage
  machine server host node vm instance box
  dependency dependencies dependent depends depend uses relies impact affected downstream upstream
  library package module dependency npm maven pip gem crate
  licence license licenses
  vulnerability cve weakness exploit hole vulnerable
  sbom inventory ingredients bom
  permission access right privilege role may allowed
  emergency breakglass urgent burning immediately
  admin root sudo superuser
  factor mfa 2fa otp authenticator phone code
  session login signin signout logout signed
  owner responsible maintainer boss owns charge
  domain dns hostname name host
  resolve lookup points resolves address
  record entry
  record cname mx txt aaaa srv
  propagation propagate reached spread visible
  address ip
  connectivity connect connection talk reach communicate port firewall
  schedule cron timetable calendar rota rotation
  oncall duty shift pager wake woken
  absence holiday vacation leave away unavailable
  flag toggle switch feature
  percentage percent share fraction rollout
  experiment ab variant variation
  history changelog timeline chronology happened
  status state health condition
  backup snapshot dump
  template golden scaffold boilerplate skeleton starter blueprint
  project repository service app
  breaking break incompatible compatibility
  mistake accident accidentally oops
  public exposed world internet open
  device laptop computer notebook phone telephone mobile
  lost stolen missing gone
  pipeline ci workflow jenkins
  build compile job
  version release
`
  .trim()
  .split('\n')
  .map(line => line.trim());
