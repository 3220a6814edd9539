/** Ways in to the private PostgreSQL over TCP, which by itself has a Unix socket only. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import type { Stage } from "./stage.ts";

/** Opens one at `address`; port 0: any, which `portOf` tells. */
export async function openDoor(stage: Stage, address: string, port = 0): Promise<Server> {
  const { host, port: number } = stage.database;
  const door = createServer((near) => {
    const far = connect(`${host}/.s.PGSQL.${number}`);
    near.pipe(far).pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  });
  await once(door.listen(port, address), "listening");
  return door;
}

export const portOf = (door: Server): number => (door.address() as AddressInfo).port;
