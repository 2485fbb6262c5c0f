"use strict";
// Shows the published model and the customers most worth engaging. Text goes into the page as text, never as HTML.
const element = (id) => document.getElementById(id);
let key = sessionStorage.getItem("habitue-key");

async function ask(path) {
  const answer = await fetch(path, { headers: key ? { Authorization: `Bearer ${key}` } : {} });
  const body = await answer.json();
  if (!answer.ok) throw body;
  return body;
}

function addFact(name, value) {
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  element("facts").append(term, description);
}

function addRow(cells, link) {
  const row = element("rows").insertRow();
  cells.forEach((text, place) => {
    const cell = row.insertCell();
    if (place === 0 && !key) {
      const anchor = document.createElement("a");
      anchor.href = link;
      anchor.textContent = text;
      cell.append(anchor);
    } else {
      cell.textContent = text;
    }
  });
}

const figure = (metric, digits) => `${metric.mean.toFixed(digits)} (${metric.low.toFixed(digits)} to ${metric.high.toFixed(digits)})`;

function money(amount, currency) {
  if (amount === null) return "–"; // the data have no amounts
  const style = currency ? { style: "currency", currency } : { maximumFractionDigits: 2 };
  return new Intl.NumberFormat(undefined, style).format(amount);
}

async function show() {
  const model = await ask("/v1/model");
  const page = await ask("/v1/churn-risk?active=true&sort=-hyperscore&limit=10");
  const auc = model.metrics?.habitue?.churn_auc;
  addFact("Data set", model.dataset);
  addFact("As of", model.as_of.slice(0, 10));
  addFact("Horizon", `${model.task.horizon_days} days`);
  addFact("Active customers", page.total.toLocaleString());
  if (auc) addFact("Churn AUROC in backtest", figure(auc, 3));
  addFact("Run", model.id);
  element("horizon").textContent = model.task.horizon_days;
  for (const each of page.items) {
    const cells = [each.id, each.hyperscore.toFixed(2), each.hyperscore_percentile.toFixed(1), `${(100 * each.churn_risk).toFixed(1)} %`, money(each.expected_value, model.currency)];
    addRow(cells, `/v1/customers/${encodeURIComponent(each.id)}`);
  }
  element("model").hidden = element("customers").hidden = false;
}

async function start() {
  element("notice").hidden = true;
  element("key-form").hidden = true;
  try {
    await show();
  } catch (problem) {
    if (problem.status === 401) {
      element("key-form").hidden = false;
    } else {
      element("notice").textContent = problem.detail ? `${problem.detail} ${problem.hint ?? ""}` : "The server did not answer.";
      element("notice").hidden = false;
    }
  }
}

element("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key = element("key").value;
  sessionStorage.setItem("habitue-key", key);
  start();
});
start();
