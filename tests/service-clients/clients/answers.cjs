// How the clients answer: one JSON object a line in, one out; what the SDK throws as a refusal of the service is an answer too.
const readline = require('readline');

async function answers(ask, refusal) {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      answer = { reply: await ask(JSON.parse(line)) };
    } catch (error) {
      if (!error.code) throw error;
      answer = { refusal: refusal(error) };
    }
    console.log(JSON.stringify(answer));
  }
}

module.exports = (ask, refusal) => answers(ask, refusal).catch((error) => {
  console.error(error);
  process.exit(1);
});
